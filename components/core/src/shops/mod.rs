//! Shops: who owns balances.

pub mod accounts;
pub mod api;
pub mod status;
pub mod store;

use datamp_models::Currency;
use datamp_models::core::{ShopId, ShopStatus};
use datamp_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Text;

pub use status::{Changed, StatusRefusal, change_status};

/// What people call a shop.
pub type ShopName = Text<200>;

/// A shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shop {
    /// Its id.
    pub id: ShopId,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub status: ShopStatus,
    /// The currency of its first account.
    #[serde(skip_serializing)]
    pub currency: Currency,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Something of a shop, and which shop's it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OfShop<T> {
    /// Whose.
    pub shop_id: ShopId,
    /// What.
    #[serde(flatten)]
    pub of: T,
}

/// A shop that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShop {
    /// Chosen by whoever asks, so that asking twice makes one shop.
    pub id: ShopId,
    /// What people call it.
    pub name: ShopName,
    /// The currency of its first account.
    pub currency: Currency,
}

/// The id is taken by a shop with another name or currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdTaken;

impl NewShop {
    /// Whether a shop is the one that was asked for.
    fn matches(&self, shop: &Shop) -> Result<(), IdTaken> {
        if shop.name == self.name.as_str() && shop.currency == self.currency { Ok(()) } else { Err(IdTaken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_again_means_the_same_shop_only_with_the_same_name_and_currency() {
        let new = |name: &str, currency: &str| NewShop {
            id: ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap(),
            name: ShopName::try_from(name.to_owned()).unwrap(),
            currency: currency.parse().unwrap(),
        };
        let shop = Shop {
            id: new("Лавка", "RUB").id,
            name: "Лавка".to_owned(),
            status: ShopStatus::Frozen,
            currency: "RUB".parse().unwrap(),
            created_at: Timestamp::from_seconds(1),
        };
        assert_eq!(new(" Лавка ", "RUB").matches(&shop), Ok(()));
        assert_eq!(new("лавка", "RUB").matches(&shop), Err(IdTaken));
        assert_eq!(new("Лавка", "USD").matches(&shop), Err(IdTaken));
    }
}
