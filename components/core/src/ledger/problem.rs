//! Refusals as the clients of the shops' API see them.

use datamp_sdk::Problem;

use super::posting::{Posting, Refusal};

/// The problem that tells a shop why its money was not moved.
///
/// `insufficient-funds` is 402 and the shop's standing 403; no refusal is 409, which clients may retry by themselves.
pub fn of_refusal(refusal: Refusal, posting: &Posting) -> Problem {
    let currency = posting.currency;
    match refusal {
        Refusal::InsufficientFunds => Problem::new(402, "insufficient-funds", "The balance does not cover the amount")
            .detail(format!(
                "Less than {} minor units of {currency} are available. Top up the balance, or pay less.",
                posting.amount.minor_units(),
            )),
        Refusal::DebitAccountFrozen => Problem::new(403, "shop-frozen", "The shop is frozen")
            .detail("A frozen shop can't spend. Its balance stays its own; ask support."),
        Refusal::DebitAccountClosed => shop_closed(),
        Refusal::DebitAccountNotFound => account_not_found(currency.code()),
        Refusal::CurrencyMismatch => Problem::new(422, "currency-mismatch", "The currency is not the account's")
            .field("currency", "is not the currency of the account"),
        Refusal::DebitTotalExceeded | Refusal::CreditTotalExceeded => {
            Problem::new(422, "total-exceeded", "The account is full")
                .detail("The total of all transfers of an account would leave the range that is kept exactly.")
        }
        // These name accounts that the shop did not choose.
        Refusal::AccountsMustDiffer | Refusal::CreditAccountNotFound | Refusal::CreditAccountClosed => {
            Problem::internal(format_args!("the ledger refused {} to {}: {refusal}", posting.debit, posting.credit))
        }
    }
}

/// The shop is closed.
pub fn shop_closed() -> Problem {
    Problem::new(403, "shop-closed", "The shop is closed").detail("Nothing but reading is open to a closed shop.")
}

/// The shop has no account in the currency.
pub fn account_not_found(currency: &str) -> Problem {
    Problem::new(422, "account-not-found", "The shop has no account in this currency")
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
        let posting =
            Posting::between(&Owner::SANDBOX, &Owner::ADVERTISING, amount, rub, TransferCode::Payment, "pay_1");
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
    }
}
