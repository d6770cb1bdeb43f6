//! Shops as their users see them: which there are, who may do what, and how one is made.
//!
//! Money and shops are core's; this service holds the memberships and asks core for the rest.

pub mod creation;
pub mod roles;
mod store;

use datamp_models::core::{ShopId, ShopStatus};
use datamp_models::gate::Role;
use datamp_sdk::{Problem, Timestamp, log};
use serde::Serialize;

use self::roles::Action;
use crate::contract::core::{self, Refusal};

/// A shop, as one of its users sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Shop {
    /// `shop_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub status: ShopStatus,
    /// What the user is there.
    pub role: Role,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Shop {
    fn of(shop: core::Shop, role: Role) -> Result<Self, Problem> {
        Ok(Self { id: shop.id, name: shop.name, status: shop.status, role, created_at: core::time(&shop.created_at)? })
    }
}

/// A name that people give: 1 to so many characters after white space at both ends was cut off, no control characters.
pub fn name<'a>(field: &str, text: &'a str, longest: usize) -> Result<&'a str, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Problem::unprocessable("A value can't be taken.")
            .field(field, format!("must be 1 to {longest} characters, none of them a control character")));
    }
    Ok(text)
}

/// The user's role in a shop, where it allows what they want; 404 where they have none: whoever is not of a shop does not learn
/// that there is one.
pub fn role_for(user: &str, shop: &str, action: Action) -> Result<Role, Problem> {
    let role = match ShopId::parse(shop) {
        Ok(_) => store::role(shop, user)?,
        Err(_) => None,
    };
    let role = role.ok_or_else(|| Problem::not_found("You have no such shop."))?;
    roles::require(role, action)?;
    Ok(role)
}

/// All shops of a user, the newest first. Finishes those whose creation was interrupted.
pub fn of_user(user: &str) -> Result<Vec<Shop>, Problem> {
    creation::finish_interrupted(user)?;
    let memberships = store::of_user(user)?;
    let ids: Vec<String> = memberships.iter().map(|membership| membership.shop_id.clone()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut shops = Vec::with_capacity(ids.len());
    for (membership, answer) in memberships.iter().zip(core::shops(&ids)) {
        match answer {
            Ok(shop) => shops.push(Shop::of(shop, membership.role)?),
            // A membership without a shop is a fault of ours; the user's other shops are to be seen all the same.
            Err(Refusal::ShopNotFound) => log::error!("core has no such shop"; shop.id = membership.shop_id),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(shops)
}

/// A shop of a user.
pub fn get(user: &str, shop: &str) -> Result<Shop, Problem> {
    let role = role_for(user, shop, Action::See)?;
    Shop::of(core::shop_of(shop)?, role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_bounded_and_in_one_line() {
        assert_eq!(name("name", "  Лавка \n", 5).unwrap(), "Лавка");
        for wrong in ["", "  ", "Лавка!", "a\nb", "a\u{0}"] {
            let problem = name("name", wrong, 5).unwrap_err();
            assert_eq!(problem.status(), 422);
            assert!(problem.document("r").to_string().contains(r#""field":"name""#));
        }
    }

    #[test]
    fn what_is_no_id_is_a_shop_that_the_user_does_not_have() {
        let problem = role_for("user_x", "shop_x", Action::See).unwrap_err();
        assert_eq!(problem.status(), 404);
    }
}
