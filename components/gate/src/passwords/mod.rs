//! Which passwords are taken (ASVS 6.2): at least 8 characters, at most 1,024 bytes, none that is common, none that the address
//! or the name of the service gives away. No rules of composition, nothing cut off, nothing changed.

use datamp_models::communication::EmailAddress;

/// ASVS 6.2.1.
const FEWEST_CHARACTERS: usize = 8;

/// What the host hashes; ASVS 6.2.9 asks for at least 64 characters.
pub const MOST_BYTES: usize = 1024;

/// The passwords of at least 8 characters among the 20,000 most common in breaches, and common ones of a Russian keyboard; in
/// lower case, in order (ASVS 6.2.4 asks for 3,000).
const COMMON: &str = include_str!("common.txt");

/// Words that are first guesses here (ASVS 6.1.2, 6.2.11).
const OF_THE_PLACE: [&str; 4] = ["datamp", "autobidder", "wildberries", "yandexmarket"];

/// Whether a password may be chosen; if not, what it must be, in words for people.
pub fn check(password: &str, email: &EmailAddress) -> Result<(), &'static str> {
    if password.chars().count() < FEWEST_CHARACTERS {
        return Err("must have at least 8 characters");
    }
    if password.len() > MOST_BYTES {
        return Err("must have at most 1024 bytes");
    }
    let lower = password.to_lowercase();
    if is_one_character(&lower) || COMMON.lines().any(|common| common == lower) {
        return Err("is among the most common passwords: choose another");
    }
    if lower == email.key() || without_ends(&lower) == email.local_part().to_ascii_lowercase() {
        return Err("must not be the email address");
    }
    if OF_THE_PLACE.contains(&without_ends(&lower)) {
        return Err("must not be the name of a service: choose another");
    }
    Ok(())
}

fn is_one_character(password: &str) -> bool {
    let mut characters = password.chars();
    characters.next().is_some_and(|first| characters.all(|c| c == first))
}

/// The word without the digits and marks that people put around one.
fn without_ends(password: &str) -> &str {
    password.trim_matches(|c: char| !c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose(password: &str) -> Result<(), &'static str> {
        check(password, &"anna.petrova@example.com".parse().unwrap())
    }

    #[test]
    fn length_counts_characters_below_and_bytes_above() {
        assert!(choose("x7#kQ!2").is_err());
        assert!(choose("x7#kQ!2z").is_ok());
        assert!(choose("жираф-ёж").is_ok(), "8 characters, 15 bytes");
        assert!(choose(&"жr".repeat(341)).is_ok(), "1,023 bytes");
        assert!(choose(&"жr".repeat(342)).is_err(), "1,026 bytes");
    }

    #[test]
    fn common_passwords_are_refused_whatever_their_case() {
        for common in
            ["password1", "PassWord1", "qwertyuiop", "1q2w3e4r", "йцукенгш", "ЙЦУКЕНГШ", "пароль123", "zzzzzzzzzzzz"]
        {
            assert!(choose(common).is_err(), "{common}");
        }
    }

    #[test]
    fn the_list_is_long_enough_sorted_and_holds_what_could_be_chosen() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() >= 3000);
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| line.chars().count() >= FEWEST_CHARACTERS && *line == line.to_lowercase()));
    }

    #[test]
    fn the_address_is_no_password() {
        for password in [
            "anna.petrova@example.com",
            "Anna.Petrova@Example.com",
            "anna.petrova",
            "anna.petrova1990",
            "!anna.petrova!",
        ] {
            assert!(choose(password).is_err(), "{password}");
        }
        assert!(choose("anna.petrova keeps bees").is_ok());
    }

    #[test]
    fn a_short_local_part_forbids_nothing_else() {
        let email: EmailAddress = "a@example.com".parse().unwrap();
        assert!(check("a84-32-11-97", &email).is_err());
        assert!(check("correct horse battery staple", &email).is_ok());
        let digits: EmailAddress = "79161234567@example.com".parse().unwrap();
        assert!(check("84-32-11-97!", &digits).is_ok());
    }

    #[test]
    fn names_of_the_place_are_refused_with_what_people_put_around_them() {
        for password in ["datamp2026", "DataMP!!", "123datamp123"] {
            assert!(choose(password).is_err(), "{password}");
        }
    }

    proptest! {
        #[test]
        fn no_composition_is_asked_for(password in "[a-z]{16,40}") {
            prop_assert!(choose(&password).is_ok());
        }

        #[test]
        fn any_text_is_judged(password in "\\PC{0,600}") {
            let _ = choose(&password);
        }
    }
}
