//! What was done to shops and their money by hand, step by step, with what each step changed. It is written in the transaction of
//! the step and only added to: core has no right to change or delete it.

pub mod store;

use datamp_models::Currency;
use datamp_models::admin::StaffId;
use datamp_models::core::{AccountId, AuditEntryId, OperationStatus, ShopId, ShopStatus};
use datamp_sdk::Timestamp;
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An operation was asked for.
    OperationRequested,
    /// A second person said yes.
    OperationApproved,
    /// It was done.
    OperationExecuted,
    /// A second person said no, or who asked took it back.
    OperationRejected,
    /// Nobody decided in time.
    OperationExpired,
    /// It could not be done.
    OperationRefused,
}

impl Step {
    /// Its name in the database and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OperationRequested => "operation.requested",
            Self::OperationApproved => "operation.approved",
            Self::OperationExecuted => "operation.executed",
            Self::OperationRejected => "operation.rejected",
            Self::OperationExpired => "operation.expired",
            Self::OperationRefused => "operation.refused",
        }
    }
}

/// Values before or after a step; what it does not touch is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Where the operation stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<OperationStatus>,
    /// Where the shop stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop_status: Option<ShopStatus>,
    /// What the accounts hold that the step moved money between.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<Balance>,
    /// Why it could not be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Snapshot {
    /// Of an operation that stands so.
    pub fn of(status: OperationStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

/// What an account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The account.
    pub account: AccountId,
    /// The shop that owns it; none for one of the system's own.
    pub shop: Option<ShopId>,
    /// The currency.
    pub currency: Currency,
    /// Credits less debits, in minor units.
    pub posted: i64,
    /// What of it is held for debits to come.
    pub held: i64,
}

/// A step to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What was done.
    pub step: Step,
    /// To what: the id of an operation.
    pub subject: String,
    /// To which shop.
    pub shop: Option<ShopId>,
    /// Who did it, with their name; `None` where a time was over.
    pub actor: Option<(&'a StaffId, &'a str)>,
    /// Why: the reason of who asked, the comment of who decided.
    pub reason: Option<String>,
    /// The values before.
    pub before: Snapshot,
    /// The values after.
    pub after: Snapshot,
    /// The id of the request that it was done in.
    pub request_id: Option<&'a str>,
}

/// A step that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "they are the columns, told in the migrations and in `Entry`")]
pub struct Written {
    pub id: AuditEntryId,
    pub at: Timestamp,
    pub action: String,
    pub subject: String,
    pub shop_id: Option<ShopId>,
    pub actor_id: Option<String>,
    pub actor_name: Option<String>,
    pub reason: Option<String>,
    pub before_values: Option<String>,
    pub after_values: Option<String>,
    pub request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_does_not_touch_is_not_told() {
        let json = |snapshot: &Snapshot| serde_json::to_string(snapshot).unwrap();
        assert_eq!(json(&Snapshot::default()), "{}");
        assert_eq!(json(&Snapshot::of(OperationStatus::Requested)), r#"{"status":"requested"}"#);
        let account = "acc_034yhpszgyg509jm3xcrckwzk3";
        let balance = Balance {
            account: account.parse().unwrap(),
            shop: None,
            currency: "RUB".parse().unwrap(),
            posted: -5,
            held: 0,
        };
        let moved = Snapshot { shop_status: Some(ShopStatus::Frozen), balances: vec![balance], ..Snapshot::default() };
        let expected = format!(
            r#"{{"shop_status":"frozen","balances":[{{"account":"{account}","shop":null,"currency":"RUB","posted":-5,"held":0}}]}}"#
        );
        assert_eq!(json(&moved), expected);
    }
}
