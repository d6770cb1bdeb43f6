//! What core keeps: shops, their API keys, the accounts of the ledger and what moves money between them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::currency::Currency;
use crate::{id, typed_id};

typed_id! {
    /// A shop.
    ShopId, "shop";
    /// A key to the shops' API; not the key's secret.
    ApiKeyId, "key";
    /// An account of the ledger.
    AccountId, "acc";
    /// A transfer between two accounts.
    TransferId, "tr";
    /// A top-up of a shop's balance.
    TopUpId, "top";
    /// A payment from a shop's balance.
    PaymentId, "pay";
}

/// Defines an enum whose names are written in kebab-case, in the database and in JSON alike.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$case_doc])* #[serde(rename = $text)] $case,)+
        }

        impl $name {
            /// Its name in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)+
                }
            }
        }
    )+};
}

pub(crate) use named;

named! {
    /// Where a shop stands.
    ShopStatus {
        /// Everything is open to it.
        Active = "active",
        /// It can read and be credited, but spend nothing.
        Frozen = "frozen",
        /// It is over; its account is not touched any more.
        Closed = "closed",
    }

    /// Whether an account takes part in transfers.
    AccountStatus {
        /// It is debited and credited.
        Active = "active",
        /// It is credited, not debited.
        Frozen = "frozen",
        /// Neither.
        Closed = "closed",
    }

    /// Whose an account is.
    AccountKind {
        /// A shop's: its credits less its debits are what the shop owns, and never below zero.
        Shop = "shop",
        /// What a payment provider took in for shops and owes us; its debits less its credits.
        Provider = "provider",
        /// What shops paid for; its credits less its debits.
        Revenue = "revenue",
    }

    /// What a transfer is for.
    TransferCode {
        /// Money came in through a provider.
        TopUp = "top-up",
        /// A shop paid.
        Payment = "payment",
    }

    /// Which way a transfer moved a shop's money.
    Direction {
        /// To the shop.
        Incoming = "incoming",
        /// From the shop.
        Outgoing = "outgoing",
    }

    /// Where a top-up stands. `succeeded` is final; what is failed or expired still succeeds when the provider says that
    /// the money came after all.
    TopUpStatus {
        /// The provider was asked; nothing has come.
        Pending = "pending",
        /// The money came and was credited.
        Succeeded = "succeeded",
        /// The provider said that it won't come.
        Failed = "failed",
        /// The provider said nothing in time.
        Expired = "expired",
    }

    /// Where a payment stands.
    PaymentStatus {
        /// The money was moved.
        Succeeded = "succeeded",
    }
}

/// The owner of an account. There is one account for each owner and currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A shop.
    Shop(ShopId),
    /// The system itself: a kind other than `shop`, and a name, `[a-z0-9-]+`.
    System(AccountKind, &'static str),
}

impl Owner {
    /// Clearing with the built-in sandbox provider.
    pub const SANDBOX: Self = Self::System(AccountKind::Provider, "sandbox");
    /// What shops paid for advertising.
    pub const ADVERTISING: Self = Self::System(AccountKind::Revenue, "advertising");

    /// The kind of its accounts.
    pub fn kind(&self) -> AccountKind {
        match self {
            Self::Shop(_) => AccountKind::Shop,
            Self::System(kind, _) => *kind,
        }
    }

    /// The shop, if it is one.
    pub fn shop(&self) -> Option<&ShopId> {
        match self {
            Self::Shop(id) => Some(id),
            Self::System(..) => None,
        }
    }

    /// The name of a system account.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Shop(_) => None,
            Self::System(_, name) => Some(name),
        }
    }
}

impl AccountId {
    /// The id of an owner's account in a currency: a UUIDv8 (RFC 9562, section 5.8) of the hash of both, so that posting
    /// need not look accounts up, and two that open the same account open one.
    pub fn of(owner: &Owner, currency: Currency) -> Self {
        let name = match owner {
            Owner::Shop(id) => id.as_str(),
            Owner::System(_, name) => name,
        };
        let hash = Sha256::digest(format!("datamp account {} {name} {currency}", owner.kind().as_str()));
        let bits = hash.iter().take(16).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let version = (bits & !(0xf << 76)) | (8 << 76);
        let variant = (version & !(0b11 << 62)) | (0b10 << 62);
        Self(format!("{}_{}", Self::PREFIX, id::encode(variant)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn an_account_id_depends_on_owner_and_currency_alone() {
        let shop = Owner::Shop(ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap());
        let id = AccountId::of(&shop, currency("RUB"));
        assert_eq!(id, AccountId::of(&shop, currency("RUB")));
        assert_eq!(AccountId::parse(id.as_str()).as_ref(), Ok(&id));
        for other in [
            AccountId::of(&shop, currency("USD")),
            AccountId::of(&Owner::SANDBOX, currency("RUB")),
            AccountId::of(&Owner::ADVERTISING, currency("RUB")),
            AccountId::of(&Owner::System(AccountKind::Revenue, "sandbox"), currency("RUB")),
        ] {
            assert_ne!(id, other);
        }
    }

    /// Changing how they are made would cut every shop off from its money.
    #[test]
    fn account_ids_stay_what_they_were() {
        let shop = Owner::Shop(ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap());
        assert_eq!(AccountId::of(&shop, currency("RUB")).as_str(), "acc_034yhpszgyg509jm3xcrckwzk3");
        assert_eq!(AccountId::of(&Owner::SANDBOX, currency("RUB")).as_str(), "acc_7ee7b532fchx4rb9a1s3amve9b");
    }

    #[test]
    fn names_are_the_same_in_json_and_in_the_database() {
        for status in [TopUpStatus::Pending, TopUpStatus::Succeeded, TopUpStatus::Failed, TopUpStatus::Expired] {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
        assert_eq!(TransferCode::TopUp.as_str(), "top-up");
    }
}
