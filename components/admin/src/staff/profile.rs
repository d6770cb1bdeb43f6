//! What a login and a name must be.

/// A login as it is kept: lower case, 2 to 64 of `a-z0-9._@-`, a letter or a digit first. `None` for anything else.
pub(crate) fn login(text: &str) -> Option<String> {
    let login = text.trim().to_lowercase();
    let first = login.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let rest = login.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._@-".contains(c));
    (first && rest && (2..=64).contains(&login.len())).then_some(login)
}

/// A name as it is kept: 1 to 100 characters on one line, without spaces around it. `None` for anything else.
pub(crate) fn name(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// A reason as it is kept: 3 to 500 characters; line breaks become spaces. `None` for anything else.
pub(crate) fn reason(text: &str) -> Option<String> {
    let reason = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (3..=500).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    fits.then_some(reason)
}

/// The reason of an operation as it is kept: the same, of 10 characters at least.
pub(crate) fn operation_reason(text: &str) -> Option<String> {
    reason(text).filter(|reason| reason.chars().count() >= 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_lower_case_and_simple() {
        assert_eq!(login(" Anna.Petrova ").as_deref(), Some("anna.petrova"));
        assert_eq!(login("anna@example.com").as_deref(), Some("anna@example.com"));
        for wrong in ["", "a", ".anna", "anna petrova", "анна", "a\nb", &"a".repeat(65)] {
            assert_eq!(login(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_what_people_call_themselves() {
        assert_eq!(name(" Анна Петрова ").as_deref(), Some("Анна Петрова"));
        assert_eq!(name("   "), None);
        assert_eq!(name("a\nb"), None);
        assert_eq!(name(&"я".repeat(100)).map(|name| name.chars().count()), Some(100));
        assert_eq!(name(&"я".repeat(101)), None);
    }

    #[test]
    fn reasons_say_something_on_one_line() {
        assert_eq!(reason(" errors\r\nafter   0.2 ").as_deref(), Some("errors after 0.2"));
        assert_eq!(reason("  a "), None);
        assert_eq!(reason(&"a".repeat(501)), None);
        assert_eq!(operation_reason("  a good\nreason ").as_deref(), Some("a good reason"));
        assert_eq!(operation_reason("too   short"), None);
        assert_eq!(operation_reason("0123456789").as_deref(), Some("0123456789"));
    }
}
