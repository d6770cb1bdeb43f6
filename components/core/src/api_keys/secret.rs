//! The secret of an API key: `dmp_live_`, 256 random bits in base 32, and a checksum.
//!
//! The prefix lets secret scanners find keys that leaked; the checksum lets them, and us, tell a key from what only looks
//! like one without asking the database.

use datamp_models::id;

/// What every key begins with.
const MARK: &str = "dmp_live_";

/// The characters of the random part: twice 128 bits.
const RANDOM_LENGTH: usize = 2 * id::SUFFIX_LENGTH;

/// The characters of the checksum, 35 bits for 32.
const CHECKSUM_LENGTH: usize = 7;

/// The characters of the random part that are shown in lists.
const SHOWN_LENGTH: usize = 6;

/// A well-formed secret. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({}…)", self.prefix())
    }
}

impl Secret {
    /// The secret that 32 random bytes make.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        let (high, low) = bytes.split_at(16);
        let number = |half: &[u8]| half.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let body = format!("{MARK}{}{}", id::encode(number(high)), id::encode(number(low)));
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// Reads a secret that somebody sent: its form and its checksum must be right.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != MARK.len() + RANDOM_LENGTH + CHECKSUM_LENGTH || !text.is_ascii() {
            return None;
        }
        let (body, sum) = text.split_at(MARK.len() + RANDOM_LENGTH);
        (body.starts_with(MARK) && checksum(body) == sum).then(|| Self(text.to_owned()))
    }

    /// The whole of it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The first characters, by which people tell keys apart. They give 30 of 256 bits away.
    pub fn prefix(&self) -> &str {
        self.0.get(..MARK.len() + SHOWN_LENGTH).unwrap_or_default()
    }
}

/// CRC-32 (ISO 3309) in base 32.
fn checksum(text: &str) -> String {
    id::digits(u128::from(crc32fast::hash(text.as_bytes())), CHECKSUM_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_crc_32() {
        // The check value of its specification, 0xcbf43926.
        assert_eq!(checksum("123456789"), "35z8e96");
    }

    #[test]
    fn a_secret_shows_only_its_first_characters() {
        let secret = Secret::from_random([0xff; 32]);
        assert_eq!(secret.prefix(), "dmp_live_7zzzzz");
        assert_eq!(format!("{secret:?}"), "Secret(dmp_live_7zzzzz…)");
        assert_eq!(secret.reveal().len(), 68);
    }

    proptest! {
        #[test]
        fn a_secret_is_read_as_it_was_told(bytes: [u8; 32]) {
            let secret = Secret::from_random(bytes);
            prop_assert_eq!(Secret::parse(secret.reveal()), Some(secret));
        }

        #[test]
        fn one_wrong_character_is_noticed(bytes: [u8; 32], place in 0..68_usize, letter in "[0-9a-zA-Zé_]") {
            let right = Secret::from_random(bytes);
            let mut wrong: Vec<char> = right.reveal().chars().collect();
            wrong[place] = letter.chars().next().unwrap();
            let wrong: String = wrong.into_iter().collect();
            prop_assert_eq!(Secret::parse(&wrong).is_some(), wrong == right.reveal());
        }

        #[test]
        fn different_bytes_make_different_secrets(a: [u8; 32], b: [u8; 32]) {
            prop_assert_eq!(a == b, Secret::from_random(a) == Secret::from_random(b));
        }
    }
}
