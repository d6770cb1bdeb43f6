//! Who may do what. The whole policy is the one match in [`allows`].

pub(crate) use datamp_models::admin::Role;

/// What a page shows or an action changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Health, versions and history of the components.
    ReadSystem,
    /// Totals, shops, balances, transfers.
    ReadMoney,
    /// Operations on shops and their money asked for, approved and rejected.
    ChangeMoney,
    /// The local mailbox. It holds codes that prove who somebody is.
    ReadMail,
    /// What the staff did.
    ReadAudit,
    /// Another generation made active.
    ChangeComponents,
    /// Commands of components run, dead letters replayed.
    RunCommands,
    /// Members of staff added, changed, disabled.
    ManageStaff,
    /// One's own password and sessions.
    ManageOneself,
}

/// Whether a role may.
pub(crate) fn allows(role: Role, permission: Permission) -> bool {
    use Permission::*;
    match (role, permission) {
        (Role::Support | Role::Manager | Role::Admin, ReadSystem | ReadMoney | ManageOneself) => true,
        (Role::Manager | Role::Admin, ChangeMoney | ReadMail | ReadAudit) => true,
        (Role::Admin, ChangeComponents | RunCommands | ManageStaff) => true,
        (Role::Support, ChangeMoney | ReadMail | ReadAudit | ChangeComponents | RunCommands | ManageStaff) => false,
        (Role::Manager, ChangeComponents | RunCommands | ManageStaff) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(role: Role) -> Vec<Permission> {
        use Permission::*;
        [
            ReadSystem,
            ReadMoney,
            ChangeMoney,
            ReadMail,
            ReadAudit,
            ChangeComponents,
            RunCommands,
            ManageStaff,
            ManageOneself,
        ]
        .into_iter()
        .filter(|permission| allows(role, *permission))
        .collect()
    }

    #[test]
    fn support_only_reads_and_sees_nobodys_mail() {
        assert_eq!(of(Role::Support), [Permission::ReadSystem, Permission::ReadMoney, Permission::ManageOneself]);
    }

    #[test]
    fn a_manager_reads_everything_changes_money_and_no_component_and_no_staff() {
        use Permission::*;
        assert_eq!(of(Role::Manager), [ReadSystem, ReadMoney, ChangeMoney, ReadMail, ReadAudit, ManageOneself]);
    }

    #[test]
    fn only_an_admin_may_everything() {
        assert_eq!(of(Role::Admin).len(), 9);
    }
}
