//! `/sandbox-payments/pay/{reference}`: the page where a person decides about a payment.
//!
//! A real provider's server sends its callback by itself. Here the page carries it: it holds the signed event, and its script posts that to
//! the address that the payment was begun with. So the sandbox calls no host, and works behind any address.

use askama::Template;
use datamp_sdk::{Form, Headers, Html, IntoResponse, Path, Problem, Response, Router, Timestamp, environment};
use serde::Deserialize;

use crate::event::Event;
use crate::language::{Language, Texts};
use crate::payment::{Payment, State};
use crate::{currency, provider, store};

/// Adds the routes.
pub fn routes(router: &mut Router) {
    router.get("/sandbox-payments/pay/{reference}", show).post("/sandbox-payments/pay/{reference}", decide);
    router.get("/sandbox-payments/page.js", script).get("/sandbox-payments/page.css", style);
}

/// Nothing but its own script and style, and nobody's frame. Forms may go to itself alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    texts: &'a Texts,
    payment: &'a Payment,
    amount: String,
    /// What is said of how it stands; none while somebody can decide.
    verdict: Option<&'a str>,
    callback: Option<Callback>,
    lost: bool,
}

/// A callback that the page sends.
struct Callback {
    url: String,
    signature: String,
    body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Pay,
    Decline,
    /// As it was decided: the callback is sent again.
    Again,
}

#[derive(Deserialize)]
struct Choice {
    decision: Decision,
    /// A tick: the callback is not sent.
    lose: Option<String>,
}

/// GET: what it is, and what can be decided.
fn show(Path(reference): Path<String>, headers: Headers) -> Result<Response, Problem> {
    let payment = existing(&reference)?;
    render(&payment, None, false, headers.get("accept-language"))
}

/// POST: somebody has decided.
fn decide(Path(reference): Path<String>, headers: Headers, Form(choice): Form<Choice>) -> Result<Response, Problem> {
    let before = existing(&reference)?;
    let state = match choice.decision {
        Decision::Pay => Some(State::Succeeded),
        Decision::Decline => Some(State::Failed),
        Decision::Again => None,
    };
    // Who decided first has decided: a page that was open elsewhere shows that.
    if let Some(state) = state
        && before.state_at(Timestamp::now()) == State::Pending
    {
        store::decide(&before.top_up, before.amount, &before.currency, state)?;
    }
    let payment = existing(&reference)?;
    let lost = choice.lose.is_some();
    let callback = if lost { None } else { callback(&payment)? };
    render(&payment, callback, lost, headers.get("accept-language"))
}

fn existing(reference: &str) -> Result<Payment, Problem> {
    let unknown = || Problem::not_found("The sandbox knows no such payment.");
    if !provider::has_pages() {
        return Err(Problem::not_found("The sandbox has no pages here: its setting `pages` is off."));
    }
    store::get(reference)?.ok_or_else(unknown)
}

/// What there is to be told of a payment, signed now.
fn callback(payment: &Payment) -> Result<Option<Callback>, Problem> {
    let Some(event) = Event::of(payment) else { return Ok(None) };
    let body = serde_json::to_string(&event).map_err(Problem::internal)?;
    let signature = provider::sign(body.as_bytes(), Timestamp::now().as_seconds())?;
    let url = within(&payment.callback_url, &environment::describe().public_url).to_owned();
    Ok(Some(Callback { url, signature, body }))
}

/// An address as a path where it is on the same site, so that it is found by whatever name the browser knows the site.
fn within<'a>(url: &'a str, site: &str) -> &'a str {
    url.strip_prefix(site).filter(|path| path.starts_with('/')).unwrap_or(url)
}

fn verdict(payment: &Payment, now: Timestamp, texts: &'static Texts) -> Option<&'static str> {
    match (payment.state, payment.state_at(now)) {
        (State::Succeeded, _) => Some(texts.succeeded),
        (State::Failed, _) => Some(texts.failed),
        (State::Pending, State::Pending) => None,
        (State::Pending, _) => Some(texts.expired),
    }
}

fn render(
    payment: &Payment,
    callback: Option<Callback>,
    lost: bool,
    accepted: Option<&str>,
) -> Result<Response, Problem> {
    let texts = Language::accepted(accepted).texts();
    let page = Page {
        texts,
        payment,
        amount: currency::shown(payment.amount, &payment.currency),
        verdict: verdict(payment, Timestamp::now(), texts),
        callback,
        lost,
    };
    let html = page.render().map_err(Problem::internal)?;
    Ok(Html(html)
        .into_response()
        .header("content-security-policy", POLICY)
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff")
        .header("vary", "accept-language"))
}

fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../assets/page.js"))
}

fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../assets/page.css"))
}

fn asset(content_type: &str, text: &str) -> Response {
    Response::new(200)
        .header("content-type", content_type)
        .header("cache-control", "max-age=3600")
        .header("x-content-type-options", "nosniff")
        .body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(state: State) -> Payment {
        Payment {
            reference: "sandbox_1".to_owned(),
            top_up: "top_1".to_owned(),
            amount: 150_000,
            currency: "RUB".to_owned(),
            description: "<b>Top-up</b>".to_owned(),
            return_url: Some("https://shop.example/?a=1&b=\"2".to_owned()),
            callback_url: "https://platform.example/core/v1/callbacks/sandbox".to_owned(),
            state,
            expires_at: Timestamp::now() + std::time::Duration::from_secs(60),
        }
    }

    fn shown(state: State, callback: Option<Callback>, language: &str) -> String {
        let response = render(&payment(state), callback, false, Some(language)).unwrap();
        assert!(response.header_value("content-security-policy").is_some());
        response.text().into_owned()
    }

    #[test]
    fn what_can_be_decided_is_decided_once() {
        let open = shown(State::Pending, None, "en");
        assert!(
            open.contains("1500.00\u{a0}RUB") && open.contains("value=\"pay\"") && open.contains("value=\"decline\"")
        );
        assert!(!open.contains("value=\"again\""));
        let done = shown(State::Succeeded, None, "ru");
        assert!(done.contains("Оплачено") && done.contains("value=\"again\"") && !done.contains("value=\"pay\""));
    }

    #[test]
    fn what_others_wrote_stays_text() {
        let callback =
            Callback { url: "/core".to_owned(), signature: "t=1".to_owned(), body: "{\"a\":\"<\"}".to_owned() };
        let page = shown(State::Failed, Some(callback), "en");
        assert!(!page.contains("<b>Top-up"), "{page}");
        assert!(!page.contains("b=\"2"), "{page}");
        assert!(!page.contains("{\"a\""), "{page}");
    }

    #[test]
    fn a_callback_goes_to_the_site_that_the_page_is_of() {
        assert_eq!(within("https://a.example/core", "https://a.example"), "/core");
        assert_eq!(within("https://a.example.org/core", "https://a.example"), "https://a.example.org/core");
        assert_eq!(within("https://b.example/core", "https://a.example"), "https://b.example/core");
    }
}
