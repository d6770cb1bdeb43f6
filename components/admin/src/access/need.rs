//! Who gets to see a page: what it needs, held against whom the request comes from.

use crate::roles::{Permission, Role, allows};

/// What a page needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: the page to sign in, the switch of languages.
    Nothing,
    /// The session of a first admin who is setting up.
    SettingUp,
    /// A member of staff, also one who has yet to replace a one-time password.
    AnyMember,
    /// A member of staff whose role has the permission.
    Permission(Permission),
}

/// Whom a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody that is known.
    Stranger,
    /// The first admin, without an account yet.
    FirstAdmin,
    /// A member of staff whose password somebody else knows.
    Newcomer,
    /// A member of staff.
    Member(Role),
}

/// What happens to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is served.
    Enter,
    /// It is sent to the page to sign in.
    SignIn,
    /// It is sent to the page that makes the first account.
    SetUp,
    /// It is sent to the page that replaces a one-time password.
    ReplacePassword,
    /// It is sent to the first page: there is nothing to do here any more.
    Home,
    /// It is refused.
    Refuse,
}

/// Decides.
pub(crate) fn decide(need: Need, who: Who) -> Verdict {
    match (need, who) {
        (Need::Nothing, _) => Verdict::Enter,
        (Need::SettingUp, Who::FirstAdmin) => Verdict::Enter,
        (Need::SettingUp, Who::Stranger) => Verdict::SignIn,
        (Need::SettingUp, Who::Newcomer | Who::Member(_)) => Verdict::Home,
        (Need::AnyMember | Need::Permission(_), Who::Stranger) => Verdict::SignIn,
        (Need::AnyMember | Need::Permission(_), Who::FirstAdmin) => Verdict::SetUp,
        (Need::AnyMember, Who::Newcomer | Who::Member(_)) => Verdict::Enter,
        (Need::Permission(_), Who::Newcomer) => Verdict::ReplacePassword,
        (Need::Permission(permission), Who::Member(role)) if allows(role, permission) => Verdict::Enter,
        (Need::Permission(_), Who::Member(_)) => Verdict::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOPS: Need = Need::Permission(Permission::ReadMoney);

    #[test]
    fn strangers_see_the_page_to_sign_in_and_nothing_else() {
        assert_eq!(decide(Need::Nothing, Who::Stranger), Verdict::Enter);
        for need in [Need::SettingUp, Need::AnyMember, SHOPS] {
            assert_eq!(decide(need, Who::Stranger), Verdict::SignIn);
        }
    }

    #[test]
    fn the_first_admin_must_set_up_before_anything_else() {
        assert_eq!(decide(Need::SettingUp, Who::FirstAdmin), Verdict::Enter);
        assert_eq!(decide(SHOPS, Who::FirstAdmin), Verdict::SetUp);
        assert_eq!(decide(Need::AnyMember, Who::FirstAdmin), Verdict::SetUp);
    }

    #[test]
    fn a_one_time_password_opens_nothing_but_its_replacement() {
        assert_eq!(decide(Need::AnyMember, Who::Newcomer), Verdict::Enter);
        assert_eq!(decide(SHOPS, Who::Newcomer), Verdict::ReplacePassword);
        assert_eq!(decide(Need::Permission(Permission::ManageOneself), Who::Newcomer), Verdict::ReplacePassword);
    }

    #[test]
    fn roles_are_enforced() {
        let roll_back = Need::Permission(Permission::ChangeComponents);
        assert_eq!(decide(roll_back, Who::Member(Role::Admin)), Verdict::Enter);
        assert_eq!(decide(roll_back, Who::Member(Role::Manager)), Verdict::Refuse);
        assert_eq!(decide(roll_back, Who::Member(Role::Support)), Verdict::Refuse);
        assert_eq!(decide(SHOPS, Who::Member(Role::Support)), Verdict::Enter);
    }

    #[test]
    fn nobody_sets_up_twice() {
        assert_eq!(decide(Need::SettingUp, Who::Member(Role::Admin)), Verdict::Home);
        assert_eq!(decide(Need::SettingUp, Who::Newcomer), Verdict::Home);
    }
}
