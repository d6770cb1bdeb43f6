//! The way to every page: whom a request comes from, whether they may, and what browsers are told about the answer.

mod headers;
mod need;
mod refusal;
mod visit;

pub(crate) use self::need::{Need, Who};
pub(crate) use self::refusal::{Exit, Refusal};
pub(crate) use self::visit::{Answer, Visit, language_of, transport};

use datamp_sdk::{Form, FromRequest, IntoResponse, Params, Problem, Redirect, Request, Response};
use serde::Deserialize;

use self::need::Verdict;
use crate::pages;
use crate::sessions::token;

/// Two extractors in one.
pub(crate) struct And<A, B>(pub(crate) A, pub(crate) B);

impl<A: FromRequest, B: FromRequest> FromRequest for And<A, B> {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        Ok(Self(A::from_request(request, params)?, B::from_request(request, params)?))
    }
}

/// No extractor.
pub(crate) struct Nothing;

impl FromRequest for Nothing {
    fn from_request(_: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// A page that is looked at.
pub(crate) fn page<A: FromRequest>(
    need: Need,
    show: fn(&Visit, A) -> Answer,
) -> impl Fn(&Request, Result<A, Problem>) -> Response {
    move |request, extracted| serve(request, need, Way::Look, |visit| show(visit, extracted?))
}

/// A part of a page that the page itself asks for, again and again: it keeps nobody signed in.
pub(crate) fn fragment<A: FromRequest>(
    need: Need,
    show: fn(&Visit, A) -> Answer,
) -> impl Fn(&Request, Result<A, Problem>) -> Response {
    move |request, extracted| serve(request, need, Way::Fragment, |visit| show(visit, extracted?))
}

/// A form that was sent. It must come from a page of this panel, and of this session.
pub(crate) fn form<A: FromRequest>(
    need: Need,
    act: fn(&Visit, A) -> Answer,
) -> impl Fn(&Request, Result<Form<Token>, Problem>, Result<A, Problem>) -> Response {
    move |request, token, extracted| {
        serve(request, need, Way::Form, |visit| {
            let Form(token) = token?;
            let own_site = token::is_own_site(request.header("sec-fetch-site"));
            if !own_site || !visit.knows(&token.csrf)? {
                return Err(Refusal::expired_form());
            }
            act(visit, extracted?)
        })
    }
}

/// The field that every form carries.
#[derive(Deserialize)]
pub(crate) struct Token {
    #[serde(default)]
    csrf: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Look,
    Fragment,
    Form,
}

fn serve(request: &Request, need: Need, way: Way, handle: impl FnOnce(&Visit) -> Answer) -> Response {
    let visit = match Visit::begin(request, way != Way::Fragment) {
        Ok(visit) => visit,
        Err(problem) => return pages::error::without_visit(request, &Refusal::from(problem)),
    };
    let answer = match need::decide(need, visit.who()) {
        Verdict::Enter => handle(&visit),
        Verdict::Refuse => Err(Refusal::forbidden()),
        _ if way == Way::Fragment => Err(Refusal::signed_out()),
        // What a form held is lost: where to go on is known for pages alone.
        Verdict::SignIn if way == Way::Look => Ok(to(&pages::sign_in::target(&visit.here()))),
        Verdict::SignIn => Ok(to("/admin/login")),
        Verdict::SetUp => Ok(to("/admin/welcome")),
        Verdict::ReplacePassword => Ok(to("/admin/password")),
        Verdict::Home => Ok(to("/admin")),
    };
    let response = match answer {
        Ok(response) => response,
        Err(refusal) if way == Way::Fragment => pages::error::fragment(&visit, &refusal),
        Err(refusal) => pages::error::page(&visit, &refusal),
    };
    visit.finish(response)
}

/// The security headers, for an answer to no visit in particular.
pub(crate) fn guarded(response: Response) -> Response {
    headers::protect(response, transport().secure)
}

fn to(path: &str) -> Response {
    Redirect::see_other(path).into_response()
}
