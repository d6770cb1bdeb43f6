//! Random bytes, and the texts made of them.

use rand::{TryRng, rngs::SysRng};
use zeroize::Zeroizing;

/// Crockford's base 32, in lower case: no `i`, `l`, `o` or `u` to be misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

/// `N` bytes from the operating system: for whatever lives long, a key or a secret.
pub(crate) fn bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A text that nobody guesses and a person can type: 26 characters, 128 bits.
pub(crate) fn text() -> Result<String, NoRandomness> {
    Ok(base32(u128::from_be_bytes(*bytes::<16>()?)))
}

/// A TypeID (specification 0.3): `prefix`, `_`, and a UUIDv7 in base 32, so that ids made later sort later.
pub(crate) fn type_id(prefix: &str) -> String {
    format!("{prefix}_{}", base32(uuid::Uuid::now_v7().as_u128()))
}

/// 128 bits as 26 characters, the most significant first.
fn base32(value: u128) -> String {
    (0..26)
        .rev()
        .filter_map(|digit| ALPHABET.get((value >> (digit * 5)) as usize & 31))
        .map(|&byte| char::from(byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_type_id_specification() {
        // The examples of the specification.
        for (uuid, text) in [
            ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
            ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
            ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
        ] {
            assert_eq!(base32(uuid.parse::<uuid::Uuid>().unwrap().as_u128()), text);
        }
    }

    #[test]
    fn ids_made_later_sort_later_and_secrets_differ() {
        let ids: Vec<_> = (0..1000).map(|_| type_id("mail")).collect();
        assert!(ids.is_sorted());
        assert!(ids[0].starts_with("mail_") && ids[0].len() == 31);
        assert_ne!(text().unwrap(), text().unwrap());
    }
}
