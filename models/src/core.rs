//! What core keeps: shops, their API keys, the accounts of the ledger and what moves money between them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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
    /// What a shop gets back of a payment.
    RefundId, "ref";
    /// What staff ask to have done to a shop.
    OperationId, "op";
    /// An entry of core's audit.
    AuditEntryId, "entry";
}

/// A closed set of names.
pub trait Named: Copy + 'static {
    /// All of them, in their order.
    const ALL: &'static [Self];

    /// Its name in the database and in JSON.
    fn as_str(self) -> &'static str;
}

/// Defines an enum whose names are written in kebab-case, in the database and in JSON alike.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[derive(::schemars::JsonSchema)]
        // Answers may come to have more of them.
        #[schemars(extend("x-open-enum" = true))]
        pub enum $name {
            $($(#[$case_doc])* #[serde(rename = $text)] $case,)+
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// Its name in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)+
                }
            }

            /// What has this name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$case),)+
                    _ => None,
                }
            }
        }

        impl $crate::core::Named for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn as_str(self) -> &'static str {
                self.as_str()
            }
        }

        /// Of a text alone: what else stands in its place is a wrong type, and not wrong JSON.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(deserializer)?;
                Self::named(&name).ok_or_else(|| serde::de::Error::unknown_variant(&name, &[$($text),+]))
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
        /// What staff credited to shops and debited from them by hand; its credits less its debits.
        Adjustment = "adjustment",
        /// What shops owned and is written off; its credits less its debits.
        WriteOff = "write-off",
    }

    /// What a transfer is for.
    TransferCode {
        /// Money came in through a provider.
        TopUp = "top-up",
        /// A shop paid.
        Payment = "payment",
        /// What a shop paid goes back to it.
        Refund = "refund",
        /// Staff took back a transfer.
        Reversal = "reversal",
        /// Staff corrected a shop's balance by hand.
        Adjustment = "adjustment",
        /// Staff wrote off what a shop owned.
        WriteOff = "write-off",
    }

    /// What a transfer does to its accounts.
    TransferKind {
        /// Moves its amount at once.
        Posted = "posted",
        /// Reserves its amount, until one of the kinds below resolves it.
        Hold = "hold",
        /// Moves its own amount, at most that of its hold, and releases the rest.
        Capture = "capture",
        /// Releases its hold, because somebody said so.
        Void = "void",
        /// Releases its hold, because its time was over.
        Expiry = "expiry",
    }

    /// What staff have done to a shop.
    OperationKind {
        /// Its balance corrected by hand.
        Adjustment = "adjustment",
        /// A transfer taken back, all or a part of it.
        Reversal = "reversal",
        /// What it owns written off.
        WriteOff = "write-off",
        /// It can't spend any more.
        Freeze = "freeze",
        /// It can spend again.
        Unfreeze = "unfreeze",
        /// It is over.
        Close = "close",
    }

    /// Where an operation stands. All but the first two are final.
    OperationStatus {
        /// It waits for a second person.
        Requested = "requested",
        /// It may be executed. It is, or is refused, in the same transaction, so that none is kept in this state.
        Approved = "approved",
        /// It was done.
        Executed = "executed",
        /// A second person said no, or who asked took it back.
        Rejected = "rejected",
        /// Nobody said anything in time.
        Expired = "expired",
        /// It was approved, and the ledger or the shop's standing did not let it be done.
        Refused = "refused",
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
        /// It was written down, and the provider has not answered yet that it was begun.
        Created = "created",
        /// The provider has begun it; nothing has come.
        Pending = "pending",
        /// The money came and was credited.
        Succeeded = "succeeded",
        /// The provider said that it won't come.
        Failed = "failed",
        /// The provider said nothing in time.
        Expired = "expired",
    }

    /// When the money of a payment is moved.
    Capture {
        /// At once.
        Automatic = "automatic",
        /// When the shop says so; until then it is held.
        Manual = "manual",
    }

    /// Where a payment stands: what became of its money.
    ///
    /// An automatic payment begins as `succeeded`. A manual one begins as `held`, and becomes one of `succeeded` (it was captured,
    /// all or a part), `voided` and `expired`. `succeeded` becomes `partially-refunded` and `refunded`, by one refund or several.
    /// `voided`, `expired` and `refunded` are final.
    PaymentStatus {
        /// The money is reserved; it is neither spent nor free.
        Held = "held",
        /// The money was moved.
        Succeeded = "succeeded",
        /// The shop let go of what was held.
        Voided = "voided",
        /// The time of what was held was over.
        Expired = "expired",
        /// A part of what was moved went back.
        PartiallyRefunded = "partially-refunded",
        /// All that was moved went back.
        Refunded = "refunded",
    }

    /// Where a refund stands.
    RefundStatus {
        /// The money went back.
        Succeeded = "succeeded",
    }

    /// What an API key may do.
    ApiScope {
        /// Reading: balances, statements, payments, refunds, top-ups.
        Read = "read",
        /// Making payments, capturing and voiding them.
        Payments = "payments",
        /// Refunding payments.
        Refunds = "refunds",
        /// Asking for top-ups.
        TopUps = "top-ups",
        /// Opening accounts in other currencies.
        Accounts = "accounts",
        /// Listing, making, rotating and revoking API keys.
        Keys = "keys",
        /// Endpoints of webhooks, and what was delivered to them.
        Webhooks = "webhooks",
    }
}

/// The name of a payment provider: `[a-z0-9-]`, 1 to 40 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderName(String);

/// Not a provider's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidProviderName;

impl fmt::Display for InvalidProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be 1 to 40 characters of a to z, 0 to 9 and -")
    }
}

impl std::error::Error for InvalidProviderName {}

impl ProviderName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for ProviderName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ProviderName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9-]{1,40}$" })
    }
}

impl TryFrom<String> for ProviderName {
    type Error = InvalidProviderName;

    fn try_from(name: String) -> Result<Self, InvalidProviderName> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=40).contains(&name.len()) && name.bytes().all(fits) { Ok(Self(name)) } else { Err(InvalidProviderName) }
    }
}

impl From<ProviderName> for String {
    fn from(name: ProviderName) -> Self {
        name.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The owner of an account. There is one account for each owner and currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A shop.
    Shop(ShopId),
    /// Clearing with a payment provider.
    Provider(ProviderName),
    /// The system itself: a kind other than `shop`, and a name, `[a-z0-9-]+`.
    System(AccountKind, &'static str),
}

impl Owner {
    /// Clearing with the sandbox provider; the account is the one that [`Owner::Provider`] names.
    pub const SANDBOX: Self = Self::System(AccountKind::Provider, "sandbox");
    /// What shops paid for advertising.
    pub const ADVERTISING: Self = Self::System(AccountKind::Revenue, "advertising");
    /// What staff corrected by hand.
    pub const ADJUSTMENTS: Self = Self::System(AccountKind::Adjustment, "manual");
    /// What staff wrote off of shops' balances.
    pub const WRITE_OFFS: Self = Self::System(AccountKind::WriteOff, "balances");

    /// The kind of its accounts.
    pub fn kind(&self) -> AccountKind {
        match self {
            Self::Shop(_) => AccountKind::Shop,
            Self::Provider(_) => AccountKind::Provider,
            Self::System(kind, _) => *kind,
        }
    }

    /// The shop, if it is one.
    pub fn shop(&self) -> Option<&ShopId> {
        match self {
            Self::Shop(id) => Some(id),
            Self::Provider(_) | Self::System(..) => None,
        }
    }

    /// The name of a system account.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Shop(_) => None,
            Self::Provider(name) => Some(name.as_str()),
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
            Owner::Provider(name) => name.as_str(),
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
        let sandbox = Owner::Provider(ProviderName::try_from("sandbox".to_owned()).unwrap());
        assert_eq!(AccountId::of(&sandbox, currency("RUB")), AccountId::of(&Owner::SANDBOX, currency("RUB")));
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
    fn a_providers_name_fits_an_address() {
        for right in ["sandbox", "t-bank-2", "0", &"a".repeat(40)] {
            assert_eq!(ProviderName::try_from(right.to_owned()).unwrap().as_str(), right);
        }
        for wrong in ["", "Sandbox", "a_b", "a/b", "é", &"a".repeat(41)] {
            assert_eq!(ProviderName::try_from(wrong.to_owned()), Err(InvalidProviderName), "{wrong}");
        }
    }

    #[test]
    fn names_are_the_same_in_json_and_in_the_database() {
        for status in [
            TopUpStatus::Created,
            TopUpStatus::Pending,
            TopUpStatus::Succeeded,
            TopUpStatus::Failed,
            TopUpStatus::Expired,
        ] {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
        assert_eq!(TransferCode::TopUp.as_str(), "top-up");
    }

    /// The accounts of a shop take its status over.
    #[test]
    fn a_shops_statuses_are_its_accounts() {
        for status in [ShopStatus::Active, ShopStatus::Frozen, ShopStatus::Closed] {
            assert_eq!(AccountStatus::named(status.as_str()).map(AccountStatus::as_str), Some(status.as_str()));
        }
    }
}
