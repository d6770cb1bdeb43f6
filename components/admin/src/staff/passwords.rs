//! What a password must be (ASVS 5.0, 6.2: length, not composition), and one-time passwords.

use subtle::ConstantTimeEq;

/// The fewest characters of a password.
pub(crate) const SHORTEST: usize = 12;
/// The most bytes that the host hashes.
const LONGEST: usize = 1024;
/// The fewest different characters.
const VARIETY: usize = 6;
/// How long a one-time password is good, in microseconds: three days.
pub(crate) const ONE_TIME: i64 = 3 * 24 * 60 * 60 * 1_000_000;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// Fewer than [`SHORTEST`] characters.
    TooShort,
    /// More than 1,024 bytes.
    TooLong,
    /// Of too few different characters, or a run of the keyboard or of the alphabet.
    TooPlain,
    /// It holds the login, or the name of the product.
    HoldsLogin,
    /// It is the one that it should replace.
    Same,
    /// Typed differently the second time.
    Different,
}

impl Weakness {
    /// The key of its description.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::TooShort => "password.too-short",
            Self::TooLong => "password.too-long",
            Self::TooPlain => "password.too-plain",
            Self::HoldsLogin => "password.holds-login",
            Self::Same => "password.same",
            Self::Different => "password.different",
        }
    }
}

/// Rows that hands fall into, on both layouts.
const RUNS: [&str; 5] = [
    "abcdefghijklmnopqrstuvwxyz",
    "12345678901234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
];

/// Checks a new password, typed twice, of someone with this login who knows `previous` (empty where there is none).
pub(crate) fn check(password: &str, repeated: &str, login: &str, previous: &str) -> Result<(), Weakness> {
    let lower = password.to_lowercase();
    let different = lower.chars().collect::<std::collections::BTreeSet<_>>().len();
    let plain = different < VARIETY || RUNS.iter().any(|run| run.contains(&lower));
    let login = login.to_lowercase();
    // A login as short as `li` is in too many words.
    let holds = |word: &str| word.chars().count() >= 4 && lower.contains(word);
    let refusals = [
        (password.chars().count() < SHORTEST, Weakness::TooShort),
        (password.len() > LONGEST, Weakness::TooLong),
        (plain, Weakness::TooPlain),
        (holds(&login) || holds("datamp"), Weakness::HoldsLogin),
        (same(password, previous), Weakness::Same),
        (password != repeated, Weakness::Different),
    ];
    match refusals.into_iter().find(|(refused, _)| *refused) {
        Some((_, weakness)) => Err(weakness),
        None => Ok(()),
    }
}

/// Whether two secrets are the same, in a time that depends on their lengths alone. Nothing is the same as an empty one.
pub(crate) fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

/// A one-time password of 100 random bits, in groups that can be read out: `k7qm2-...`.
///
/// Letters and digits that look alike are left out (Crockford's base 32). Each byte gives five bits.
pub(crate) fn one_time(random: [u8; 20]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut password = String::with_capacity(23);
    for (place, byte) in random.into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        password.push(ALPHABET.get(usize::from(byte & 31)).map_or('0', |letter| char::from(*letter)));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(password: &str) -> Result<(), Weakness> {
        check(password, password, "anna", "")
    }

    #[test]
    fn length_is_what_counts() {
        assert_eq!(of("correct horse"), Ok(()));
        assert_eq!(of("синий трамвай"), Ok(()));
        assert_eq!(of("hunter2hunt"), Err(Weakness::TooShort));
        assert_eq!(of(&"long pasword".repeat(86)), Err(Weakness::TooLong));
    }

    #[test]
    fn runs_and_repetitions_are_refused() {
        for plain in [
            "aaaaaaaaaaaaaaaa",
            "121212121212",
            "qwertyuiopas",
            "QWERTYUIOPASD",
            "йцукенгшщзхъ",
            "123456789012",
            "abcdefghijkl",
        ] {
            assert_eq!(of(plain), Err(Weakness::TooPlain), "{plain}");
        }
    }

    #[test]
    fn login_and_product_are_no_passwords() {
        assert_eq!(of("i am Anna of the shop"), Err(Weakness::HoldsLogin));
        assert_eq!(of("DataMP forever 1"), Err(Weakness::HoldsLogin));
        assert_eq!(check("delicious soup", "delicious soup", "li", ""), Ok(()));
    }

    #[test]
    fn it_must_be_new_and_typed_twice() {
        assert_eq!(check("correct horse", "correct horse", "anna", "correct horse"), Err(Weakness::Same));
        assert_eq!(check("correct horse", "correct house", "anna", ""), Err(Weakness::Different));
    }

    #[test]
    fn an_empty_secret_is_the_same_as_nothing() {
        assert!(same("a", "a"));
        assert!(!same("a", "b"));
        assert!(!same("", ""));
    }

    #[test]
    fn one_time_passwords_are_long_and_legible() {
        let password = one_time(std::array::from_fn(|place| place as u8 * 13));
        assert_eq!(password.len(), 23);
        assert_eq!(password.matches('-').count(), 3);
        assert!(!password.contains(['i', 'l', 'o', 'u']));
        assert_ne!(password, one_time([7; 20]));
    }
}
