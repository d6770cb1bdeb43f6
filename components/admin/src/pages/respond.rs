//! From a template to an answer.

use askama::Template;
use datamp_sdk::{Html, IntoResponse, Problem, Redirect, Response};

/// The page, with this status.
pub(super) fn respond(status: u16, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => Problem::internal(format_args!("a template: {error}")).into_response(),
    }
}

/// After a form was acted on: look there.
pub(super) fn see(path: impl Into<String>) -> Response {
    Redirect::see_other(path).into_response()
}

/// A place within this panel to go back to; the first page in place of any other.
pub(super) fn local(path: &str) -> &str {
    let inside = path == "/admin" || path.starts_with("/admin/") || path.starts_with("/admin?");
    let plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if inside && plain { path } else { "/admin" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for path in ["/admin", "/admin?x=1", "/admin/shops?search=a%20b"] {
            assert_eq!(local(path), path);
        }
        for foreign in [
            "https://example.com",
            "//example.com",
            "/administrator",
            "/core",
            "",
            "/admin/\r\nset-cookie: a=b",
            "/admin/\\x",
        ] {
            assert_eq!(local(foreign), "/admin", "{foreign}");
        }
    }
}
