//! The page that is shown where another can't be.

use askama::Template;
use datamp_sdk::{IntoResponse, Request, Response, Text};

use super::frame::Frame;
use super::{respond, see};
use crate::access::{Answer, Exit, Nothing, Refusal, Visit, guarded, language_of};

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage<'a> {
    f: Frame,
    refusal: &'a Refusal,
    request_id: &'a str,
}

impl ErrorPage<'_> {
    fn exit(&self) -> (&'static str, &'static str) {
        match self.refusal.exit {
            Exit::Home => ("/admin", "error.to-home"),
            Exit::Components => ("/admin/components", "error.to-components"),
            Exit::Approvals => ("/admin/approvals", "error.to-approvals"),
            Exit::SignIn => ("/admin/login", "error.to-sign-in"),
        }
    }
}

/// In place of a page.
pub(crate) fn page(visit: &Visit, refusal: &Refusal) -> Response {
    let f = visit.frame("").unwrap_or_else(|_| Frame::bare(visit.language()));
    respond(refusal.status, &ErrorPage { f, refusal, request_id: visit.request().request_id() })
}

/// Under every path where there is none.
pub(crate) fn nothing_here(_: &Visit, _: Nothing) -> Answer {
    Err(Refusal::not_found())
}

/// `GET /admin/`, as people type it.
pub(crate) fn slash(_: &Visit, _: Nothing) -> Answer {
    Ok(see("/admin"))
}

/// In place of a part of a page: the part's own words for it stand in the page already.
pub(crate) fn fragment(visit: &Visit, refusal: &Refusal) -> Response {
    (refusal.status, Text(visit.language().text(refusal.text))).into_response()
}

/// Where not even the session could be read.
pub(crate) fn without_visit(request: &Request, refusal: &Refusal) -> Response {
    let f = Frame::bare(language_of(request));
    guarded(respond(refusal.status, &ErrorPage { f, refusal, request_id: request.request_id() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    fn html(refusal: &Refusal, language: Language) -> String {
        ErrorPage { f: of(Role::Admin, language), refusal, request_id: "req_1" }.render().unwrap()
    }

    #[test]
    fn an_error_says_what_to_do_and_its_request() {
        let html = html(&Refusal::core_is_down(), Language::English);
        assert!(html.contains("href=\"/admin/components\"") && html.contains("req_1"));
    }

    #[test]
    fn the_platforms_words_are_escaped() {
        let html = html(&Refusal::stale().said("<script>alert(1)</script>"), Language::Russian);
        assert!(html.contains("&#60;script&#62;") && !html.contains("<script>alert"), "{html}");
    }
}
