//! The staff's control panel, in the browser.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod access;
mod audit;
mod contract;
mod format;
mod health;
mod i18n;
mod pages;
mod roles;
mod sessions;
mod staff;

use datamp_sdk::Router;

use crate::access::{Need, form, fragment, page};
use crate::roles::Permission::{
    ChangeComponents, ChangeMoney, ManageOneself, ManageStaff, ReadAudit, ReadMail, ReadMoney, ReadSystem, RunCommands,
};

datamp_sdk::service!("component.toml", routes, migrations = datamp_models::MIGRATIONS);

fn routes(router: &mut Router) {
    let may = Need::Permission;

    router.get("/admin/assets/{file}", pages::assets::serve);
    router.post("/admin/language", form(Need::Nothing, pages::language::choose));

    router.get("/admin/login", page(Need::Nothing, pages::sign_in::show));
    router.post("/admin/login", form(Need::Nothing, pages::sign_in::submit));
    router.post("/admin/logout", form(Need::Nothing, pages::sign_in::leave));
    router.get("/admin/welcome", page(Need::SettingUp, pages::welcome::show));
    router.post("/admin/welcome", form(Need::SettingUp, pages::welcome::submit));
    router.get("/admin/password", page(Need::AnyMember, pages::account::show_password));
    router.post("/admin/password", form(Need::AnyMember, pages::account::submit_password));
    router.get("/admin/account", page(may(ManageOneself), pages::account::show));
    router.post("/admin/account/sessions", form(may(ManageOneself), pages::account::sign_out_others));

    router.get("/admin/", page(Need::Nothing, pages::error::slash));
    router.get("/admin", page(may(ReadSystem), pages::dashboard::show));
    router.get("/admin/parts/health", fragment(may(ReadSystem), pages::dashboard::part));
    router.get("/admin/parts/money", fragment(may(ReadMoney), pages::money::part));
    router.get("/admin/money", page(may(ReadMoney), pages::money::show));
    router.get("/admin/shops", page(may(ReadMoney), pages::shops::list));
    router.get("/admin/shops/{id}", page(may(ReadMoney), pages::shops::show));
    router.get("/admin/transfers", page(may(ReadMoney), pages::transfers::list));
    router.get("/admin/transfers/{id}/reverse", page(may(ChangeMoney), pages::operation_form::show_reversal));
    router.post("/admin/transfers/{id}/reverse", form(may(ChangeMoney), pages::operation_form::reverse));
    router.get("/admin/shops/{id}/operations/{kind}", page(may(ChangeMoney), pages::operation_form::show));
    router.post("/admin/shops/{id}/operations/{kind}", form(may(ChangeMoney), pages::operation_form::submit));
    router.get("/admin/operations", page(may(ReadMoney), pages::operations::list));
    router.get("/admin/operations/{id}", page(may(ReadMoney), pages::operation::show));
    router.post("/admin/operations/{id}/decision", form(may(ChangeMoney), pages::operation::decide));
    router.get("/admin/approvals", page(may(ReadMoney), pages::operations::approvals));
    router.get("/admin/parts/approvals", fragment(may(ChangeMoney), pages::operations::count));
    router.get("/admin/mail", page(may(ReadMail), pages::mail::list));

    router.get("/admin/components", page(may(ReadSystem), pages::components::list));
    router.get("/admin/components/{name}", page(may(ReadSystem), pages::components::show));
    router.get("/admin/components/{name}/activate", page(may(ChangeComponents), pages::change::show_activate));
    router.post("/admin/components/{name}/activate", form(may(ChangeComponents), pages::change::activate));
    router.get("/admin/components/{name}/rollback", page(may(ChangeComponents), pages::change::show_rollback));
    router.post("/admin/components/{name}/rollback", form(may(ChangeComponents), pages::change::roll_back));
    router.get("/admin/components/{name}/commands", page(may(RunCommands), pages::commands::list));
    router.get("/admin/components/{name}/commands/{command}", page(may(RunCommands), pages::commands::show));
    router.post("/admin/components/{name}/commands/{command}", form(may(RunCommands), pages::run::advance));
    router.get("/admin/deferred", page(may(ReadSystem), pages::work::show));
    router.post("/admin/deferred/replay", form(may(RunCommands), pages::work::replay));

    router.get("/admin/audit", page(may(ReadAudit), pages::audit::list));
    router.get("/admin/staff", page(may(ManageStaff), pages::staff::list));
    router.post("/admin/staff", form(may(ManageStaff), pages::staff::add));
    router.get("/admin/staff/{id}", page(may(ManageStaff), pages::member::show));
    router.post("/admin/staff/{id}/role", form(may(ManageStaff), pages::member::set_role));
    router.post("/admin/staff/{id}/disable", form(may(ManageStaff), pages::member::disable));
    router.post("/admin/staff/{id}/enable", form(may(ManageStaff), pages::member::enable));
    router.post("/admin/staff/{id}/password", form(may(ManageStaff), pages::member::reissue));

    router.get("/admin/{*rest}", page(Need::Nothing, pages::error::nothing_here));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_do_not_clash() {
        let mut router = Router::new();
        routes(&mut router);
        assert!(format!("{router:?}").contains("/admin/components/{name}/rollback"));
    }
}
