//! Refusals as the clients of the shops' API see them.

use datamp_sdk::Problem;

use super::posting::{Movement, Posting};
use super::refusal::Refusal;

/// The problem that tells a shop why its money was not moved.
///
/// `insufficient-funds` is 402 and the shop's standing 403; no refusal is 409, which clients may retry by themselves.
pub fn of_refusal(refusal: Refusal, posting: &Posting) -> Problem {
    match refusal {
        Refusal::InsufficientFunds => {
            let problem = Problem::new(402, "insufficient-funds", "The balance does not cover the amount");
            match posting.movement() {
                Some(Movement { amount, currency, .. }) => problem.detail(format!(
                    "Less than {} minor units of {currency} are available. Top up the balance, or pay less.",
                    amount.minor_units(),
                )),
                None => problem,
            }
        }
        Refusal::DebitAccountFrozen => shop_frozen(),
        Refusal::DebitAccountClosed => shop_closed(),
        Refusal::DebitAccountNotFound => {
            account_not_found(posting.movement().map_or("the currency", |movement| movement.currency.code()))
        }
        Refusal::CurrencyMismatch => Problem::new(422, "currency-mismatch", "The currency is not the account's")
            .field("currency", "is not the currency of the account"),
        Refusal::DebitTotalExceeded | Refusal::CreditTotalExceeded => {
            Problem::new(422, "total-exceeded", "The account is full")
                .detail("The total of all transfers of an account would leave the range that is kept exactly.")
        }
        Refusal::HoldAlreadyCaptured => already_captured(),
        Refusal::HoldAlreadyVoided => Problem::new(422, "already-voided", "What was held was voided already")
            .detail("Nothing is held any more. To charge the amount after all, make another payment."),
        Refusal::HoldAlreadyExpired | Refusal::HoldExpired => {
            Problem::new(422, "hold-expired", "The hold's time is over")
                .detail("Nothing is held any more. To charge the amount after all, make another payment.")
        }
        Refusal::ExpiryPassed => Problem::new(422, refusal.as_str(), "The hold would lapse before it begins"),
        Refusal::ExceedsHold => Problem::new(422, "capture-exceeds-hold", "The amount is more than is held")
            .detail("A hold is captured once, all of it or a part. What it does not cover takes another payment.")
            .field("amount", "must be at most what is held"),
        Refusal::ExceedsReversible => {
            Problem::new(422, "refund-exceeds-payment", "The amount is more than is left of what was captured")
                .detail("All refunds of a payment together give back at most what was captured of it.")
                .field("amount", "must be at most what was captured, less what went back before")
        }
        // What goes back to a closed shop.
        Refusal::CreditAccountClosed if posting.reverses().is_some() => shop_closed(),
        // These are about ids, accounts and chains that the shop did not choose.
        Refusal::LinkedChainOpen
        | Refusal::LinkedTransferFailed
        | Refusal::ExistsWithDifferentKind
        | Refusal::ExistsWithDifferentHold
        | Refusal::ExistsWithDifferentDebitAccount
        | Refusal::ExistsWithDifferentCreditAccount
        | Refusal::ExistsWithDifferentAmount
        | Refusal::ExistsWithDifferentCurrency
        | Refusal::ExistsWithDifferentCode
        | Refusal::ExistsWithDifferentReference
        | Refusal::ExistsWithDifferentExpiry
        | Refusal::ExistsWithDifferentReversal
        | Refusal::Exists
        | Refusal::AccountsMustDiffer
        | Refusal::HoldNotFound
        | Refusal::TransferNotAHold
        | Refusal::HoldNotDue
        | Refusal::ReversedTransferNotFound
        | Refusal::TransferNotReversible
        | Refusal::ReversalWithOtherAccounts
        | Refusal::CreditAccountNotFound
        | Refusal::CreditAccountClosed => {
            Problem::internal(format_args!("the ledger refused {:?}: {refusal}", posting.action))
        }
    }
}

/// The money was moved already, at once or by a capture.
pub fn already_captured() -> Problem {
    Problem::new(422, "already-captured", "The payment was captured already")
        .detail("Nothing is held of it any more. To give the money back, refund the payment.")
}

/// The shop is frozen.
pub fn shop_frozen() -> Problem {
    Problem::new(403, "shop-frozen", "The shop is frozen")
        .detail("A frozen shop can't spend. Its balance stays its own; ask support.")
}

/// The shop is closed.
pub fn shop_closed() -> Problem {
    Problem::new(403, "shop-closed", "The shop is closed").detail("Nothing but reading is open to a closed shop.")
}

/// The shop has no account in the currency.
pub fn account_not_found(currency: &str) -> Problem {
    Problem::new(422, "account-not-found", "The shop has no account in this currency")
        .detail("Take a currency that the shop has an account in, or open one: POST /core/v1/accounts.")
        .field("currency", format!("the shop has no account in {currency}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_models::core::{Owner, TransferCode};
    use datamp_models::{Amount, Currency};

    #[test]
    fn every_refusal_that_a_shop_can_cause_has_a_problem_of_its_own() {
        let rub: Currency = "RUB".parse().unwrap();
        let amount = Amount::new(150).unwrap();
        let movement =
            Movement::between(&Owner::SANDBOX, &Owner::ADVERTISING, amount, rub, TransferCode::Payment, "pay_1");
        let posting = Posting::of(movement);
        let told = |refusal| {
            let problem = of_refusal(refusal, &posting);
            (problem.status(), problem.slug().to_owned())
        };
        assert_eq!(told(Refusal::InsufficientFunds), (402, "insufficient-funds".into()));
        assert_eq!(told(Refusal::DebitAccountFrozen), (403, "shop-frozen".into()));
        assert_eq!(told(Refusal::DebitAccountClosed), (403, "shop-closed".into()));
        assert_eq!(told(Refusal::DebitAccountNotFound), (422, "account-not-found".into()));
        assert_eq!(told(Refusal::CurrencyMismatch), (422, "currency-mismatch".into()));
        assert_eq!(told(Refusal::DebitTotalExceeded), (422, "total-exceeded".into()));
        assert_eq!(told(Refusal::HoldAlreadyCaptured), (422, "already-captured".into()));
        assert_eq!(told(Refusal::HoldAlreadyVoided), (422, "already-voided".into()));
        assert_eq!(told(Refusal::HoldAlreadyExpired), (422, "hold-expired".into()));
        assert_eq!(told(Refusal::HoldExpired), (422, "hold-expired".into()));
        assert_eq!(told(Refusal::ExpiryPassed), (422, "expiry-passed".into()));
        assert_eq!(told(Refusal::ExceedsHold), (422, "capture-exceeds-hold".into()));
        assert_eq!(told(Refusal::ExceedsReversible), (422, "refund-exceeds-payment".into()));
    }

    #[test]
    fn what_goes_back_to_a_closed_shop_is_refused_and_nothing_else_can_be_closed_there() {
        let rub: Currency = "RUB".parse().unwrap();
        let amount = Amount::new(150).unwrap();
        let movement =
            Movement::between(&Owner::ADVERTISING, &Owner::SANDBOX, amount, rub, TransferCode::Refund, "ref_1");
        let back = Posting::reversal("tr_01h455vb4pex5vsknk084sn02q".parse().unwrap(), movement.clone());
        assert_eq!(of_refusal(Refusal::CreditAccountClosed, &back).slug(), "shop-closed");
        assert_eq!(of_refusal(Refusal::CreditAccountClosed, &Posting::of(movement)).status(), 500);
    }

    #[test]
    fn no_refusal_is_a_conflict_and_money_that_lacks_is_the_only_402() {
        let posting = Posting::void("tr_01h455vb4pex5vsknk084sn02q".parse().unwrap());
        for refusal in Refusal::ALL {
            let status = of_refusal(*refusal, &posting).status();
            assert!(matches!(status, 402 | 403 | 422 | 500), "{refusal}");
            assert_eq!(status == 402, *refusal == Refusal::InsufficientFunds, "{refusal}");
        }
    }
}
