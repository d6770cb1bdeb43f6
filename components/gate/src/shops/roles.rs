//! What a role allows, in one table.

use datamp_models::gate::Role;
use datamp_sdk::Problem;

/// What a user wants to do in a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the shop and its balances.
    See,
    /// See which API keys there are.
    SeeApiKeys,
    /// Make and revoke API keys, which can spend the shop's money.
    ManageApiKeys,
}

/// Whether a role allows it.
pub fn allows(role: Role, action: Action) -> bool {
    match (role, action) {
        (Role::Owner, Action::See | Action::SeeApiKeys | Action::ManageApiKeys) => true,
        (Role::Accountant, Action::See | Action::SeeApiKeys) => true,
        (Role::Accountant, Action::ManageApiKeys) => false,
        (Role::Viewer, Action::See) => true,
        (Role::Viewer, Action::SeeApiKeys | Action::ManageApiKeys) => false,
    }
}

/// 403 where the role does not allow it.
pub fn require(role: Role, action: Action) -> Result<(), Problem> {
    if allows(role, action) {
        return Ok(());
    }
    Err(Problem::new(403, "role-not-allowed", "Your role in this shop does not allow this")
        .detail(format!("You are {} there.", role.as_str()))
        .with("role", role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_manages_api_keys() {
        assert!(allows(Role::Owner, Action::ManageApiKeys));
        assert!(!allows(Role::Accountant, Action::ManageApiKeys));
        assert!(!allows(Role::Viewer, Action::ManageApiKeys));
    }

    #[test]
    fn a_viewer_sees_the_shop_and_no_keys() {
        assert!(allows(Role::Viewer, Action::See));
        assert!(!allows(Role::Viewer, Action::SeeApiKeys));
        assert!(allows(Role::Accountant, Action::SeeApiKeys));
    }

    #[test]
    fn a_refusal_names_the_role() {
        let problem = require(Role::Viewer, Action::ManageApiKeys).unwrap_err();
        assert_eq!((problem.status(), problem.slug()), (403, "role-not-allowed"));
        assert!(problem.document("r").to_string().contains("viewer"));
        assert!(require(Role::Owner, Action::See).is_ok());
    }
}
