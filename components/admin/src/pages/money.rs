//! What the ledger holds in all, and whether it is sound.

use askama::Template;
use datamp_sdk::Response;

use super::frame::Frame;
use super::respond;
use crate::access::{Answer, Nothing, Refusal, Visit};
use crate::contract::system_operations::OperationError;
use crate::contract::{self, CoreError, Totals};

#[derive(Template)]
#[template(path = "pages/money.html")]
struct MoneyPage {
    f: Frame,
    totals: Vec<Totals>,
}

#[derive(Template)]
#[template(path = "parts/money.html")]
struct MoneyPart {
    f: Frame,
    totals: Vec<Totals>,
}

/// `GET /admin/money`
pub(crate) fn show(visit: &Visit, _: Nothing) -> Answer {
    let totals = totals()?;
    Ok(respond(200, &MoneyPage { f: visit.frame("dashboard")?, totals }))
}

/// `GET /admin/parts/money`
pub(crate) fn part(visit: &Visit, _: Nothing) -> Answer {
    let page: Response = respond(200, &MoneyPart { f: visit.part(), totals: totals()? });
    Ok(page)
}

/// What staff gave to shops by adjustments, less what they took by adjustments and write-offs: the accounts that are neither a shop's, nor
/// a provider's, nor revenue, with their sign turned.
fn corrected(totals: &Totals) -> i64 {
    let Totals { ledger_sum, shops_sum, topped_up, paid, .. } = totals;
    shops_sum.saturating_sub(*topped_up).saturating_add(*paid).saturating_sub(*ledger_sum)
}

fn totals() -> Result<Vec<Totals>, Refusal> {
    needs_core()?;
    Ok(contract::ledger_totals()?)
}

/// Asks before it calls: a call to a component that is not there would end the request.
pub(super) fn needs_core() -> Result<(), Refusal> {
    if contract::ready()? { Ok(()) } else { Err(Refusal::core_is_down()) }
}

impl From<CoreError> for Refusal {
    fn from(error: CoreError) -> Self {
        use datamp_sdk::Problem;
        match error {
            CoreError::ShopNotFound(_) => Self::not_found(),
            CoreError::Invalid((field, words)) => Problem::unprocessable(format!("{field}: {words}")).into(),
            CoreError::ShopNotActive(id) | CoreError::Conflict(id) => Problem::conflict(id).into(),
            CoreError::Unavailable(words) => {
                datamp_sdk::log::warn!("core: {}", words);
                Problem::unavailable(words).into()
            }
        }
    }
}

impl From<OperationError> for Refusal {
    fn from(error: OperationError) -> Self {
        use datamp_sdk::Problem;
        match error {
            OperationError::OperationNotFound(_)
            | OperationError::ShopNotFound(_)
            | OperationError::TransferNotFound(_)
            | OperationError::NotReversible(_) => Self::not_found(),
            OperationError::Invalid((field, words)) => Problem::unprocessable(format!("{field}: {words}")).into(),
            OperationError::Conflict(_) | OperationError::AlreadyDecided(_) => Self::decided(),
            OperationError::SamePerson(_) => Self::same_person(),
            OperationError::Unavailable(words) => {
                datamp_sdk::log::warn!("core: {}", words);
                Problem::unavailable(words).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    fn html(ledger_sum: i64) -> String {
        let totals =
            Totals { currency: "RUB".to_owned(), ledger_sum, shops_sum: 150_000, topped_up: 200_000, paid: 50_000 };
        MoneyPart { f: of(Role::Support, Language::English), totals: vec![totals] }.render().unwrap()
    }

    #[test]
    fn a_sound_ledger_is_said_to_be_sound() {
        let html = html(0);
        assert!(html.contains(Language::English.text("money.sound")) && html.contains("1,500.00\u{a0}RUB"), "{html}");
    }

    #[test]
    fn what_shops_own_is_what_came_less_what_went_and_what_staff_corrected() {
        let of = |ledger_sum, shops_sum, topped_up, paid| {
            corrected(&Totals { currency: "RUB".to_owned(), ledger_sum, shops_sum, topped_up, paid })
        };
        assert_eq!(of(0, 150, 200, 50), 0);
        assert_eq!(of(0, 160, 200, 50), 10, "ten were given");
        assert_eq!(of(0, 0, 200, 50), -150, "all was written off");
        assert_eq!(of(7, 157, 200, 50), 0, "what is wrong is nobody's correction");
        assert_eq!(of(i64::MAX, i64::MIN, i64::MAX, 0), i64::MIN);
    }

    #[test]
    fn a_ledger_that_does_not_add_up_is_an_alarm() {
        let html = html(-1);
        assert!(html.contains("role=\"alert\"") && html.contains("\u{2212}0.01\u{a0}RUB"), "{html}");
        assert!(!html.contains(Language::English.text("money.sound")));
    }
}
