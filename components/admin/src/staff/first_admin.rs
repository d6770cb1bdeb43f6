//! How the first administrator gets in: by the one-time password that the host made, while there is no staff at all.

use super::passwords::same;

/// The login that the one-time password goes with, and that the first admin keeps.
pub(crate) const LOGIN: &str = "admin";

/// Whether someone who gave this login and password may set up the first account.
///
/// `one_time` is the secret, where it has a value. From the moment when a member of staff exists it opens nothing.
pub(crate) fn may_set_up(staff_exist: bool, login: &str, password: &str, one_time: Option<&str>) -> bool {
    // Compared first and always, so that the time tells nothing about the rest.
    let right = same(password, one_time.unwrap_or_default());
    !staff_exist && login == LOGIN && right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_time_password_opens_an_empty_panel() {
        assert!(may_set_up(false, "admin", "once", Some("once")));
    }

    #[test]
    fn it_is_worthless_once_staff_exist() {
        assert!(!may_set_up(true, "admin", "once", Some("once")));
    }

    #[test]
    fn nothing_else_opens_it() {
        assert!(!may_set_up(false, "admin", "other", Some("once")));
        assert!(!may_set_up(false, "anna", "once", Some("once")));
        assert!(!may_set_up(false, "admin", "", Some("")));
        assert!(!may_set_up(false, "admin", "", None));
    }
}
