//! A payment provider made from the contracts in `wit/` by wit-bindgen alone, as somebody does who wants no SDK. Its settings say how it
//! behaves; it keeps nothing, since its references hold all there is to know.

wit_bindgen::generate!({
    path: ["../../../wit/config/1.0.0", "../../../wit/payments/1.0.0"],
    inline: "
        package case:plain-provider;

        world plain-provider {
            import datamp:config/values@1.0.0;
            export datamp:payments/provider@1.0.0;
        }
    ",
    generate_all,
});

use datamp::config::values;
use exports::datamp::payments::provider::*;

#[unsafe(link_section = "datamp:manifest")]
#[used]
static MANIFEST: [u8; include_bytes!("../component.toml").len()] = *include_bytes!("../component.toml");

struct Component;

fn setting(name: &str) -> String {
    values::get(name).unwrap_or_default()
}

/// `top_…:100:RUB`
fn reference(top_up: &TopUp) -> String {
    format!("{}:{}:{}", top_up.id, top_up.amount, top_up.currency)
}

fn started(top_up: TopUp) -> Result<Started, ProviderError> {
    match setting("start").as_str() {
        "refused" => return Err(ProviderError::Refused("Your bank says no.".to_owned())),
        "unavailable" => return Err(ProviderError::Unavailable("the line is dead".to_owned())),
        "misconfigured" => return Err(ProviderError::Misconfigured("set the secret".to_owned())),
        "nonsense" => {
            return Ok(Started {
                reference: String::new(),
                confirmation_url: Some("javascript:alert(1)".to_owned()),
                expires_at: None,
            });
        }
        "trap" => panic!("it is to trap"),
        "slow" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        _ => {}
    }
    Ok(Started {
        confirmation_url: Some(format!("https://bank.example/pay?to={}", top_up.callback_url)),
        reference: reference(&top_up),
        expires_at: None,
    })
}

fn state(reference: &str) -> Result<State, ProviderError> {
    let mut parts = reference.split(':').skip(1);
    let amount = parts.next().and_then(|amount| amount.parse().ok());
    let (Some(amount), Some(currency)) = (amount, parts.next()) else {
        return Err(ProviderError::UnknownReference(reference.to_owned()));
    };
    match setting("state").as_str() {
        "succeeded" => Ok(State::Succeeded(Settled { amount, currency: currency.to_owned() })),
        "failed" => Ok(State::Failed("The card has expired.".to_owned())),
        "unknown" => Err(ProviderError::UnknownReference(reference.to_owned())),
        "trap" => panic!("it is to trap"),
        _ => Ok(State::Pending),
    }
}

/// `id top-up amount currency outcome`
fn event(line: &str) -> Option<Event> {
    let mut words = line.split(' ');
    Some(Event {
        id: words.next()?.to_owned(),
        top_up: words.next()?.to_owned(),
        amount: words.next()?.parse().ok()?,
        currency: words.next()?.to_owned(),
        outcome: match words.next()? {
            "succeeded" => Outcome::Succeeded,
            _ => Outcome::Failed("The card has expired.".to_owned()),
        },
    })
}

impl Guest for Component {
    fn describe() -> Info {
        let rub = CurrencyLimits { currency: "RUB".to_owned(), least: 100, most: 1_000_000_000_000_000 };
        Info { name: setting("name"), title: "A plain bank".to_owned(), currencies: vec![rub] }
    }

    fn start(new: Vec<TopUp>) -> Vec<Result<Started, ProviderError>> {
        new.into_iter().map(started).collect()
    }

    fn callback(request: CallbackRequest) -> Result<Notice, CallbackError> {
        let token = request.headers.iter().find(|(name, _)| name == "x-token").map(|(_, value)| value);
        if token != Some(&setting("token")) {
            return Err(CallbackError::BadSignature("The field x-token is not the token.".to_owned()));
        }
        let body = String::from_utf8(request.body).map_err(|error| CallbackError::Malformed(error.to_string()))?;
        let read = |line: &str| event(line).ok_or_else(|| CallbackError::Malformed(format!("{line:?} is no event")));
        let events = body.lines().map(read).collect::<Result<_, _>>()?;
        let ok = Acknowledgement { status: 200, content_type: "text/plain".to_owned(), body: b"OK".to_vec() };
        Ok(Notice { events, acknowledgement: Some(ok) })
    }

    fn status(references: Vec<String>) -> Vec<Result<State, ProviderError>> {
        references.iter().map(|reference| state(reference)).collect()
    }
}

export!(Component);
