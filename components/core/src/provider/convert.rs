//! From the contract's values to core's own, and back. What a provider's component says is not trusted to fit.

use std::fmt::Display;

use datamp_models::core::TopUpId;
use datamp_models::money::MAX_AMOUNT;
use datamp_models::{Amount, Currency};
use datamp_sdk::{Problem, Timestamp};

use super::bindings::datamp::payments::provider as wit;
use super::problem::invalid_event;
use super::{
    Acknowledgement, Event, EventKind, Failure, Limits, MAX_BATCH, Notice, Provider, ProviderName, Started, State,
    ToStart, Word,
};

/// The most currencies that a provider may name.
const MAX_CURRENCIES: usize = 200;

/// The most characters of a reason that is kept.
const LONGEST_REASON: usize = 500;

/// The longest body of an acknowledgement, in bytes.
const LONGEST_ACKNOWLEDGEMENT: usize = 64 << 10;

pub(super) fn provider(info: wit::Info) -> Result<Provider, String> {
    let name = ProviderName::try_from(info.name).map_err(|error| format!("name {error}"))?;
    if info.currencies.len() > MAX_CURRENCIES {
        return Err(format!("currencies must be at most {MAX_CURRENCIES}"));
    }
    let mut currencies: Vec<Limits> = Vec::with_capacity(info.currencies.len());
    for wit::CurrencyLimits { currency, least, most } in info.currencies {
        if !(1 <= least && least <= most && most <= MAX_AMOUNT) {
            return Err(format!("{currency}: least and most must be 1 to {MAX_AMOUNT}, in this order"));
        }
        // It may take more than is known here.
        let Ok(currency) = currency.parse() else { continue };
        if currencies.iter().any(|limits| limits.currency == currency) {
            return Err(format!("{currency} is there twice"));
        }
        currencies.push(Limits { currency, least, most });
    }
    Ok(Provider { name, currencies })
}

pub(super) fn top_up(top_up: &ToStart<'_>, callback_url: String) -> wit::TopUp {
    wit::TopUp {
        id: top_up.id.to_string(),
        amount: top_up.amount.minor_units(),
        currency: top_up.currency.to_string(),
        description: format!("Top-up {}", top_up.id),
        return_url: top_up.return_url.map(str::to_owned),
        callback_url,
        expires_at: top_up.expires_at.to_rfc3339(),
    }
}

pub(super) fn started(started: wit::Started) -> Result<Started, Failure> {
    let invalid = |field: &str, error: &dyn Display| Failure::Invalid(format!("{field} {error}"));
    Ok(Started {
        reference: started.reference.try_into().map_err(|error| invalid("reference", &error))?,
        confirmation_url: started
            .confirmation_url
            .map(|url| url.try_into().map_err(|error| invalid("confirmation-url", &error)))
            .transpose()?,
        expires_at: started
            .expires_at
            .map(|time| Timestamp::parse(&time).map_err(|error| invalid("expires-at", &error)))
            .transpose()?,
    })
}

pub(super) fn state(state: wit::State) -> Result<State, Failure> {
    Ok(match state {
        wit::State::Pending => State::Pending,
        wit::State::Succeeded(wit::Settled { amount, currency }) => {
            let (amount, currency) = money(amount, &currency).map_err(Failure::Invalid)?;
            State::Succeeded(amount, currency)
        }
        wit::State::Failed(reason) => State::Failed(words(&reason)),
    })
}

pub(super) fn notice(notice: wit::Notice) -> Result<Notice, Problem> {
    if notice.events.len() > MAX_BATCH {
        return Err(invalid_event(format!("The callback has more than {MAX_BATCH} events.")));
    }
    let events = notice.events.into_iter().map(|told| event(told).map_err(invalid_event)).collect::<Result<_, _>>()?;
    let acknowledgement = notice.acknowledgement.map(acknowledgement).transpose();
    let acknowledgement = acknowledgement.map_err(|fault| super::problem::invalid_answer("callback", fault))?;
    Ok(Notice { events, acknowledgement })
}

fn event(event: wit::Event) -> Result<Event, String> {
    let (amount, currency) = money(event.amount, &event.currency)?;
    let (kind, reason) = match event.outcome {
        wit::Outcome::Succeeded => (EventKind::Succeeded, None),
        wit::Outcome::Failed(reason) => (EventKind::Failed, words(&reason)),
    };
    Ok(Event {
        id: event.id.try_into().map_err(|error| format!("id {error}"))?,
        top_up: TopUpId::try_from(event.top_up).map_err(|error| format!("top-up {error}"))?,
        word: Word { kind, amount, currency, reason },
    })
}

fn acknowledgement(answer: wit::Acknowledgement) -> Result<Acknowledgement, &'static str> {
    let wit::Acknowledgement { status, content_type, body } = answer;
    if !(200..300).contains(&status) {
        return Err("the acknowledgement's status must be 200 to 299");
    }
    if content_type.is_empty()
        || content_type.len() > 200
        || !content_type.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    {
        return Err("the acknowledgement's content-type must be 1 to 200 visible ASCII characters");
    }
    if body.len() > LONGEST_ACKNOWLEDGEMENT {
        return Err("the acknowledgement's body must be at most 64 KiB");
    }
    Ok(Acknowledgement { status, content_type, body })
}

fn money(amount: i64, currency: &str) -> Result<(Amount, Currency), String> {
    let amount = Amount::new(amount).map_err(|error| format!("amount {error}"))?;
    let currency = currency.parse().map_err(|error| format!("currency {error}"))?;
    Ok((amount, currency))
}

/// What a provider says to people, within our limits: a reason that is too long is no reason to lose an event.
pub(super) fn words(text: &str) -> Option<String> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let words: String = text.trim().chars().take(LONGEST_REASON).map(plain).collect();
    let words = words.trim();
    (!words.is_empty()).then(|| words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rub(least: i64, most: i64) -> wit::CurrencyLimits {
        wit::CurrencyLimits { currency: "RUB".to_owned(), least, most }
    }

    fn info(name: &str, currencies: Vec<wit::CurrencyLimits>) -> wit::Info {
        wit::Info { name: name.to_owned(), title: "A bank".to_owned(), currencies }
    }

    #[test]
    fn a_provider_says_what_it_takes() {
        let unknown = wit::CurrencyLimits { currency: "XTS".to_owned(), least: 1, most: 2 };
        let read = provider(info("bank", vec![rub(100, MAX_AMOUNT), unknown])).unwrap();
        assert_eq!(read.name.as_str(), "bank");
        assert_eq!(read.currencies, [Limits { currency: "RUB".parse().unwrap(), least: 100, most: MAX_AMOUNT }]);
        for (wrong, says) in [
            (info("Bank", vec![]), "name"),
            (info("bank", vec![rub(0, 5)]), "RUB"),
            (info("bank", vec![rub(6, 5)]), "RUB"),
            (info("bank", vec![rub(1, MAX_AMOUNT + 1)]), "RUB"),
            (info("bank", vec![rub(1, 2), rub(1, 2)]), "twice"),
            (info("bank", vec![rub(1, 2); 201]), "200"),
        ] {
            let fault = provider(wrong).unwrap_err();
            assert!(fault.contains(says), "{fault}");
        }
    }

    fn begun(reference: &str, url: Option<&str>, expires_at: Option<&str>) -> Result<Started, Failure> {
        started(wit::Started {
            reference: reference.to_owned(),
            confirmation_url: url.map(str::to_owned),
            expires_at: expires_at.map(str::to_owned),
        })
    }

    #[test]
    fn what_was_begun_is_taken_only_if_it_fits() {
        let read = begun("p-1", Some("https://bank.example/p-1"), Some("2026-01-31T12:00:00Z")).unwrap();
        assert_eq!(read.reference.as_str(), "p-1");
        assert_eq!(read.confirmation_url.unwrap().as_str(), "https://bank.example/p-1");
        assert_eq!(read.expires_at.unwrap().to_rfc3339(), "2026-01-31T12:00:00Z");
        for (answer, says) in [
            (begun("", None, None), "reference"),
            (begun(&"p".repeat(201), None, None), "reference"),
            (begun("p", Some("javascript:alert(1)"), None), "confirmation-url"),
            (begun("p", None, Some("tomorrow")), "expires-at"),
        ] {
            assert!(matches!(&answer, Err(Failure::Invalid(fault)) if fault.starts_with(says)), "{answer:?}");
        }
    }

    fn told(id: &str, top_up: &str, amount: i64, currency: &str, outcome: wit::Outcome) -> wit::Notice {
        let event =
            wit::Event { id: id.to_owned(), top_up: top_up.to_owned(), amount, currency: currency.to_owned(), outcome };
        wit::Notice { events: vec![event], acknowledgement: None }
    }

    const TOP_UP: &str = "top_01h455vb4pex5vsknk084sn02q";

    #[test]
    fn an_event_is_read_whole_or_refused() {
        let read = notice(told("e", TOP_UP, 100, "RUB", wit::Outcome::Failed(" no\nfunds ".to_owned()))).unwrap();
        let event = &read.events[0];
        assert_eq!((event.id.as_str(), event.top_up.as_str()), ("e", TOP_UP));
        let word = Word {
            kind: EventKind::Failed,
            amount: Amount::new(100).unwrap(),
            currency: "RUB".parse().unwrap(),
            reason: Some("no funds".to_owned()),
        };
        assert_eq!(event.word, word);
        for (wrong, says) in [
            (told("", TOP_UP, 100, "RUB", wit::Outcome::Succeeded), "id"),
            (told(&"e".repeat(101), TOP_UP, 100, "RUB", wit::Outcome::Succeeded), "id"),
            (told("e", "pay_01h455vb4pex5vsknk084sn02q", 100, "RUB", wit::Outcome::Succeeded), "top-up"),
            (told("e", TOP_UP, 0, "RUB", wit::Outcome::Succeeded), "amount"),
            (told("e", TOP_UP, MAX_AMOUNT + 1, "RUB", wit::Outcome::Succeeded), "amount"),
            (told("e", TOP_UP, 100, "RUR", wit::Outcome::Succeeded), "currency"),
        ] {
            let problem = notice(wrong).unwrap_err();
            assert_eq!((problem.status(), problem.slug()), (422, "invalid-event"));
            assert!(problem.document("r")["detail"].as_str().unwrap().starts_with(says), "{says}");
        }
        let mut many = told("e", TOP_UP, 100, "RUB", wit::Outcome::Succeeded);
        many.events = vec![many.events[0].clone(); MAX_BATCH + 1];
        assert_eq!(notice(many).unwrap_err().slug(), "invalid-event");
    }

    #[test]
    fn an_acknowledgement_is_a_success_within_limits() {
        let answer = |status: u16, content_type: &str, length: usize| {
            acknowledgement(wit::Acknowledgement {
                status,
                content_type: content_type.to_owned(),
                body: vec![b'x'; length],
            })
        };
        assert!(answer(200, "text/plain", 2).is_ok() && answer(204, "text/plain", 0).is_ok());
        for wrong in [
            answer(302, "text/plain", 2),
            answer(500, "text/plain", 2),
            answer(200, "", 2),
            answer(200, "text/plain\r\nx: y", 2),
            answer(200, "text/plain", (64 << 10) + 1),
        ] {
            assert!(wrong.is_err());
        }
    }

    #[test]
    fn a_state_tells_how_much_came() {
        let settled = |amount: i64, currency: &str| {
            state(wit::State::Succeeded(wit::Settled { amount, currency: currency.to_owned() }))
        };
        assert_eq!(settled(5, "RUB"), Ok(State::Succeeded(Amount::new(5).unwrap(), "RUB".parse().unwrap())));
        assert!(settled(-5, "RUB").is_err() && settled(5, "").is_err());
        assert_eq!(state(wit::State::Failed("\u{7}".to_owned())), Ok(State::Failed(None)));
        assert_eq!(words(&"я".repeat(501)).unwrap().chars().count(), 500);
    }
}
