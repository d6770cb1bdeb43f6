//! The header that signs a callback: `Sandbox-Signature: t=<Unix seconds>,v1=<hex>`.
//!
//! `v1` is HMAC-SHA-256 over `<t>.<body>` with the secret `sandbox-callback`. There may be several `v1`, while a secret is
//! being replaced; one that fits is enough. Elements of other names are left alone, for schemes to come.

/// How old or how far ahead a signature may be, in seconds: what was overheard can't be sent again later.
pub const TOLERANCE: i64 = 300;

/// The most `v1` elements that are tried.
const MAX_CODES: usize = 4;

/// A well-formed header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// When it was made, in seconds since the Unix epoch.
    pub time: i64,
    /// The codes, of which one must fit.
    pub codes: Vec<[u8; 32]>,
}

/// Why a header can't be a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// Not `t=<seconds>,v1=<64 hex digits>`.
    Malformed,
    /// Made more than [`TOLERANCE`] seconds before or after now.
    OutsideTolerance,
}

impl Signature {
    /// Reads a header.
    pub fn parse(header: &str) -> Result<Self, SignatureError> {
        let mut time = None;
        let mut codes = Vec::new();
        for element in header.split(',') {
            let (name, value) = element.trim().split_once('=').ok_or(SignatureError::Malformed)?;
            match name {
                "t" if time.is_none() => time = Some(seconds(value).ok_or(SignatureError::Malformed)?),
                "v1" if codes.len() < MAX_CODES => codes.push(code(value).ok_or(SignatureError::Malformed)?),
                "t" | "v1" => return Err(SignatureError::Malformed),
                _ => {}
            }
        }
        match time {
            Some(time) if !codes.is_empty() => Ok(Self { time, codes }),
            _ => Err(SignatureError::Malformed),
        }
    }

    /// Whether it was made about now, in seconds since the Unix epoch.
    pub fn check_time(&self, now: i64) -> Result<(), SignatureError> {
        if self.time.abs_diff(now) <= TOLERANCE.unsigned_abs() { Ok(()) } else { Err(SignatureError::OutsideTolerance) }
    }

    /// What was signed.
    pub fn message(&self, body: &[u8]) -> Vec<u8> {
        let mut message = format!("{}.", self.time).into_bytes();
        message.extend_from_slice(body);
        message
    }
}

/// Decimal digits without a sign or leading zeros: the number is signed as it was written.
fn seconds(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number >= 0 && number.to_string() == text).then_some(number)
}

/// 64 hex digits, in either case.
fn code(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> = digits?
        .chunks_exact(2)
        .filter_map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).ok())
        .collect();
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CODE: &str = "00ff102030405060708090a0b0c0d0e0f0000102030405060708090a0b0c0dFF";

    #[test]
    fn a_header_tells_its_time_and_its_codes() {
        let signature = Signature::parse(&format!("t=1735689600, v1={CODE},v0=other,v1={}", "0".repeat(64))).unwrap();
        assert_eq!(signature.time, 1_735_689_600);
        assert_eq!(signature.codes.len(), 2);
        assert_eq!(signature.codes[0][..3], [0x00, 0xff, 0x10]);
        assert_eq!(signature.codes[0][31], 0xff);
        assert_eq!(signature.message(b"{}"), b"1735689600.{}");
    }

    #[test]
    fn what_is_not_quite_a_header_is_malformed() {
        for wrong in [
            String::new(),
            "t=1".to_owned(),
            format!("v1={CODE}"),
            format!("t=,v1={CODE}"),
            format!("t=-1,v1={CODE}"),
            format!("t=+1,v1={CODE}"),
            format!("t=01,v1={CODE}"),
            format!("t=1.5,v1={CODE}"),
            format!("t=99999999999999999999,v1={CODE}"),
            format!("t=1,t=1,v1={CODE}"),
            format!("t=1;v1={CODE}"),
            format!("t=1,v1={CODE}00"),
            format!("t=1,v1={}", &CODE[2..]),
            format!("t=1,v1={}g", &CODE[1..]),
            format!("t=1,v1={}é", &CODE[2..]),
            format!("t=1,v1={CODE},"),
            format!("t=1{}", format!(",v1={CODE}").repeat(5)),
        ] {
            assert_eq!(Signature::parse(&wrong), Err(SignatureError::Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_either_way() {
        let signature = Signature::parse(&format!("t=1000,v1={CODE}")).unwrap();
        for now in [700, 1_000, 1_300] {
            assert_eq!(signature.check_time(now), Ok(()), "{now}");
        }
        for now in [699, 1_301, 0, i64::MAX] {
            assert_eq!(signature.check_time(now), Err(SignatureError::OutsideTolerance), "{now}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_stumble(header in "(t=|v1=|[0-9a-f,= ]|.)*") {
            let _ = Signature::parse(&header);
        }
    }
}
