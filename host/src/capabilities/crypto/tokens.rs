//! JSON Web Tokens (RFC 7519, RFC 8725) signed with EdDSA over Ed25519 (RFC 8037).
//!
//! Written here, not taken from `jsonwebtoken`: that crate's pure Rust backend brings `rsa` (RUSTSEC-2023-0071,
//! unfixed), two NIST curves and a second copy of `ed25519-dalek`, `sha2` and `hmac`, and most of its code chooses
//! between algorithms. A component's tokens have one algorithm, and a header that is compared, never obeyed; the
//! cryptography is `ed25519-dalek`'s.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use ed25519_dalek::{Signature, Signer, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keyring::Ring;

/// The longest that a token may live, in seconds.
pub const MAXIMAL_LIFETIME: u32 = 86_400;

/// The longest claims, in bytes.
const MAXIMAL_CLAIMS: usize = 16 << 10;

/// The longest token, in bytes: the claims in base64, with room for header, times and signature.
const MAXIMAL_TOKEN: usize = MAXIMAL_CLAIMS / 3 * 4 + 1024;

/// How far another host's clock may be ahead, in seconds.
const SKEW: i64 = 60;

/// The header of every token, and of no other thing that a component signs.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// Why a token is not accepted.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// No key of the ring has its `kid`: another host may have made one.
    UnknownKey,
    Invalid,
    Expired,
}

/// Signs claims with the ring's newest key. `now` is in seconds since the Unix epoch.
pub(crate) fn sign(ring: &Ring<SigningKey>, claims: &str, lifetime: u32, now: i64) -> Result<String, String> {
    if claims.len() > MAXIMAL_CLAIMS {
        return Err(format!("the claims are longer than {MAXIMAL_CLAIMS} bytes"));
    }
    if !(1..=MAXIMAL_LIFETIME).contains(&lifetime) {
        return Err(format!("a token lives 1 to {MAXIMAL_LIFETIME} seconds"));
    }
    let mut claims: Map<String, Value> =
        serde_json::from_str(claims).map_err(|error| format!("the claims are no JSON object: {error}"))?;
    claims.insert("iat".to_owned(), now.into());
    claims.insert("exp".to_owned(), (now + i64::from(lifetime)).into());
    let key = ring.newest();
    let header = Header { alg: "EdDSA", typ: "JWT", kid: &key.id };
    let part = |json: serde_json::Result<Vec<u8>>| {
        json.map(|json| BASE64URL.encode(json)).map_err(|error| format!("the claims can't be written: {error}"))
    };
    let mut token = part(serde_json::to_vec(&header))?;
    token.push('.');
    token.push_str(&part(serde_json::to_vec(&claims))?);
    let signature = key.key.sign(token.as_bytes());
    token.push('.');
    BASE64URL.encode_string(signature.to_bytes(), &mut token);
    Ok(token)
}

/// The claims of a token that a key of the ring signed and that is good at `now`, in seconds since the Unix epoch.
pub(crate) fn verify(ring: &Ring<SigningKey>, token: &str, now: i64) -> Result<String, Refused> {
    if token.len() > MAXIMAL_TOKEN {
        return Err(Refused::Invalid);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Invalid)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Invalid)?;
    let bytes = |part: &str| BASE64URL.decode(part).map_err(|_| Refused::Invalid);
    let header = bytes(header)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Refused::Invalid)?;
    if header.alg != "EdDSA" || header.typ != "JWT" {
        return Err(Refused::Invalid);
    }
    let signature = Signature::from_slice(&bytes(signature)?).map_err(|_| Refused::Invalid)?;
    let key = ring.good(now.saturating_mul(1_000_000)).find(|key| key.id == header.kid).ok_or(Refused::UnknownKey)?;
    key.key.verifying_key().verify_strict(signed.as_bytes(), &signature).map_err(|_| Refused::Invalid)?;

    let claims = String::from_utf8(bytes(claims)?).map_err(|_| Refused::Invalid)?;
    let times: Times = serde_json::from_str(&claims).map_err(|_| Refused::Invalid)?;
    if times.iat > now + SKEW {
        return Err(Refused::Invalid);
    }
    // RFC 7519: not "on or after" exp. `nbf` is the component's own claim and may have a fraction.
    if times.exp <= now || times.nbf.is_some_and(|nbf| nbf > now as f64) {
        return Err(Refused::Expired);
    }
    Ok(claims)
}

#[derive(Deserialize)]
struct Times {
    iat: i64,
    exp: i64,
    nbf: Option<f64>,
}

/// The public halves of the keys that verify at `now` (seconds since the Unix epoch) as a JWK Set (RFC 7517, RFC 8037).
pub(crate) fn public_keys(ring: &Ring<SigningKey>, now: i64) -> String {
    let keys: Vec<_> = ring
        .good(now.saturating_mul(1_000_000))
        .map(|key| {
            let x = BASE64URL.encode(key.key.verifying_key().as_bytes());
            let fixed = [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")];
            BTreeMap::from_iter(
                fixed
                    .map(|(name, value)| (name, value.to_owned()))
                    .into_iter()
                    .chain([("kid", key.id.clone()), ("x", x)]),
            )
        })
        .collect();
    serde_json::json!({ "keys": keys }).to_string()
}

#[cfg(test)]
mod tests {
    use super::{super::keyring::RingKey, *};

    const NOW: i64 = 1_700_000_000;

    fn key(id: &str, byte: u8) -> RingKey<SigningKey> {
        RingKey::new(id.to_owned(), SigningKey::from_bytes(&[byte; 32]), None)
    }

    fn ring() -> Ring<SigningKey> {
        Ring::new(key("new", 2), vec![key("old", 1)])
    }

    /// A token with any header and claims, properly signed by a key of the ring.
    fn forge(header: &str, claims: &str, signer: u8) -> String {
        let signed = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        let signature = SigningKey::from_bytes(&[signer; 32]).sign(signed.as_bytes());
        format!("{signed}.{}", BASE64URL.encode(signature.to_bytes()))
    }

    const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT","kid":"new"}"#;
    const CLAIMS: &str = r#"{"sub":"a","iat":1700000000,"exp":1700000060}"#;

    #[test]
    fn what_was_signed_is_verified_with_its_times() {
        let token = sign(&ring(), r#"{"sub":"user_1","n":[1,{"a":null}],"exp":1,"iat":2}"#, 600, NOW).unwrap();
        let claims: Value = serde_json::from_str(&verify(&ring(), &token, NOW).unwrap()).unwrap();
        let expected = serde_json::json!({"sub": "user_1", "n": [1, {"a": null}], "iat": NOW, "exp": NOW + 600});
        assert_eq!(claims, expected);
        let header = BASE64URL.decode(token.split('.').next().unwrap()).unwrap();
        assert_eq!(String::from_utf8(header).unwrap(), HEADER);
    }

    #[test]
    fn a_token_is_good_until_the_second_it_expires() {
        let token = sign(&ring(), "{}", 60, NOW).unwrap();
        assert!(verify(&ring(), &token, NOW + 59).is_ok());
        assert_eq!(verify(&ring(), &token, NOW + 60), Err(Refused::Expired));
        assert_eq!(verify(&ring(), &token, i64::MAX - SKEW), Err(Refused::Expired));
        // Another host's clock may be a minute ahead, no more.
        assert!(verify(&ring(), &token, NOW - SKEW).is_ok());
        assert_eq!(verify(&ring(), &token, NOW - SKEW - 1), Err(Refused::Invalid));
        let later = sign(&ring(), r#"{"nbf":1700000010.5}"#, 60, NOW).unwrap();
        assert_eq!(verify(&ring(), &later, NOW + 10), Err(Refused::Expired));
        assert!(verify(&ring(), &later, NOW + 11).is_ok());
    }

    #[test]
    fn tampered_and_foreign_tokens_are_refused() {
        assert!(verify(&ring(), &forge(HEADER, CLAIMS, 2), NOW).is_ok(), "the forger works");
        assert!(verify(&ring(), &forge(r#"{"alg":"EdDSA","typ":"JWT","kid":"old"}"#, CLAIMS, 1), NOW).is_ok());
        let with_header = |header: &str| forge(header, CLAIMS, 2);
        for (token, refused) in [
            // Another key than the one it names; a key that is not of the ring.
            (forge(HEADER, CLAIMS, 1), Refused::Invalid),
            (forge(HEADER, CLAIMS, 3), Refused::Invalid),
            (with_header(r#"{"alg":"EdDSA","typ":"JWT","kid":"other"}"#), Refused::UnknownKey),
            (with_header(r#"{"alg":"EdDSA","typ":"JWT","kid":"old"}"#), Refused::Invalid),
            // Headers that ask for something else.
            (with_header(r#"{"alg":"none","typ":"JWT","kid":"new"}"#), Refused::Invalid),
            (with_header(r#"{"alg":"HS256","typ":"JWT","kid":"new"}"#), Refused::Invalid),
            (with_header(r#"{"alg":"eddsa","typ":"JWT","kid":"new"}"#), Refused::Invalid),
            (with_header(r#"{"alg":"EdDSA","typ":"JWS","kid":"new"}"#), Refused::Invalid),
            (with_header(r#"{"alg":"EdDSA","typ":"JWT"}"#), Refused::Invalid),
            (with_header(r#"{"alg":"EdDSA","typ":"JWT","kid":"new","crit":["x"]}"#), Refused::Invalid),
            (with_header(r#"{"alg":"EdDSA","typ":"JWT","kid":"new","jwk":{}}"#), Refused::Invalid),
            (with_header(r#"{"alg":"EdDSA","alg":"none","typ":"JWT","kid":"new"}"#), Refused::Invalid),
            (with_header("null"), Refused::Invalid),
            // Claims that are not ours, though signed.
            (forge(HEADER, r#"{"iat":1700000000}"#, 2), Refused::Invalid),
            (forge(HEADER, r#"{"iat":1700000000,"exp":"1700000060"}"#, 2), Refused::Invalid),
            (forge(HEADER, "[]", 2), Refused::Invalid),
            (forge(HEADER, "\u{feff}", 2), Refused::Invalid),
            // No tokens at all.
            (String::new(), Refused::Invalid),
            ("..".to_owned(), Refused::Invalid),
            ("a.b.c".to_owned(), Refused::Invalid),
            (format!("{}.{}.", BASE64URL.encode(r#"{"alg":"none"}"#), BASE64URL.encode(CLAIMS)), Refused::Invalid),
            (format!("{}.{}.", BASE64URL.encode(HEADER), BASE64URL.encode(CLAIMS)), Refused::Invalid),
            (format!("{}.x", forge(HEADER, CLAIMS, 2)), Refused::Invalid),
            ("a".repeat(1 << 20), Refused::Invalid),
        ] {
            assert_eq!(verify(&ring(), &token, NOW), Err(refused), "{token:.120}");
        }
    }

    #[test]
    fn no_cut_and_no_changed_character_passes() {
        let token = sign(&ring(), r#"{"sub":"user_1"}"#, 60, NOW).unwrap();
        for index in 0..token.len() {
            assert!(verify(&ring(), &token[..index], NOW).is_err(), "cut at {index}");
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert!(verify(&ring(), &String::from_utf8(changed).unwrap(), NOW).is_err(), "changed at {index}");
        }
        for changed in [format!("{token}="), format!(" {token}"), format!("{token}\n"), token.replace('.', "..")] {
            assert!(verify(&ring(), &changed, NOW).is_err(), "{changed}");
        }
    }

    #[test]
    fn only_an_object_of_bounded_size_and_lifetime_is_signed() {
        for claims in ["", "[]", "null", "1", "\"a\"", "{", "{} {}", "{\"a\":1,}"] {
            assert!(sign(&ring(), claims, 60, NOW).is_err(), "{claims:?}");
        }
        assert!(sign(&ring(), &format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500)), 60, NOW).is_err());
        assert!(sign(&ring(), &format!("{{\"a\":\"{}\"}}", "a".repeat(MAXIMAL_CLAIMS)), 60, NOW).is_err());
        assert!(sign(&ring(), "{}", 0, NOW).is_err());
        assert!(sign(&ring(), "{}", MAXIMAL_LIFETIME + 1, NOW).is_err());
        // The longest claims make a token that is still accepted.
        let longest = format!("{{\"a\":\"{}\"}}", "a".repeat(MAXIMAL_CLAIMS - 8));
        let token = sign(&ring(), &longest, MAXIMAL_LIFETIME, NOW).unwrap();
        assert!(verify(&ring(), &token, NOW).is_ok());
    }

    #[test]
    fn public_keys_are_those_of_rfc_8037() {
        let d = BASE64URL.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = SigningKey::from_bytes(d.as_slice().try_into().unwrap());
        let ring = Ring::new(RingKey::new("k".to_owned(), key, None), Vec::new());
        let set: Value = serde_json::from_str(&public_keys(&ring, NOW)).unwrap();
        let expected = serde_json::json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }]});
        assert_eq!(set, expected);
    }
}
