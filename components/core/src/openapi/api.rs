//! `/core/v1/openapi.json`, and the page that shows it.

use datamp_sdk::openapi::{Api, As, DescribeAnswer, Description};
use datamp_sdk::{Headers, Query, Response};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::COMMITTED;

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("This document", "What this API is.");
    api.get("/core/v1/openapi.json", document)
        .id("getOpenApi")
        .summary("Read this document")
        .text("It needs no key. `ETag` tells whether it has changed.");
}

/// The document, or that it is still the one the client has.
#[derive(Debug)]
pub struct Committed;

impl DescribeAnswer for Committed {
    fn describe(description: &mut Description<'_>) {
        let schema = json!({ "type": "object", "description": "An OpenAPI 3.1 document." });
        description.answer_content(200, "application/json", schema);
        description.answer(304, "It has not changed since the `ETag` that was sent as `If-None-Match`.");
        let etag = json!({ "type": "string", "pattern": "^\"[0-9a-f]+\"$" });
        description.header_of_answers("ETag", "Changes with the document (RFC 9110, 8.8.3).", etag);
    }
}

/// GET: the API's document.
pub fn document(headers: Headers) -> As<Committed> {
    cached(&headers, "application/json", COMMITTED).header("access-control-allow-origin", "*").into()
}

/// The page in English.
pub(super) const PAGE_EN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/docs.en.html"));

/// The page in Russian.
pub(super) const PAGE_RU: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/docs.ru.html"));

/// Nothing but our own style sheet: no script, no picture, no frame around it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a reader chooses.
#[derive(Debug, Deserialize)]
pub struct PageQuery {
    lang: Option<String>,
}

/// GET: the page that shows the document, in the language that was chosen, or the first of ours that the browser prefers.
pub fn page(headers: Headers, Query(query): Query<PageQuery>) -> Response {
    let preferred = headers.get("accept-language").unwrap_or_default().split(',');
    let chosen = query.lang.iter().map(String::as_str).chain(preferred.map(str::trim));
    let is_russian = chosen.filter_map(|tag| tag.get(..2)).find(|tag| matches!(*tag, "en" | "ru")) == Some("ru");
    cached(&headers, "text/html; charset=utf-8", if is_russian { PAGE_RU } else { PAGE_EN })
        .header("content-security-policy", POLICY)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("vary", "accept-language")
}

/// GET: the page's style sheet.
pub fn style(headers: Headers) -> Response {
    cached(&headers, "text/css; charset=utf-8", include_bytes!("../../openapi/style.css"))
        .header("x-content-type-options", "nosniff")
}

/// A file of ours, or 304 where the client has it.
pub(super) fn cached(headers: &Headers, content_type: &str, file: &'static [u8]) -> Response {
    let etag = etag(file);
    let has_it = headers.get_all("if-none-match").any(|known| names(known, &etag));
    let response = Response::new(if has_it { 304 } else { 200 });
    // It may be kept, and is asked for again each time: another version answers after a swap.
    let response = response.header("etag", etag).header("cache-control", "public, no-cache");
    if has_it { response } else { response.header("content-type", content_type).body(file) }
}

/// Whether a value of `If-None-Match` names an entity tag (RFC 9110, 13.1.2: weak ones count too).
fn names(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

fn etag(file: &[u8]) -> String {
    let hash = Sha256::digest(file);
    format!("\"{}\"", hex::encode(hash.get(..16).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use datamp_sdk::{Method, Request, Router};

    use crate::api::routes;

    fn ask(known: Option<&str>) -> datamp_sdk::Response {
        let mut router = Router::new();
        routes(&mut router);
        let request = Request::new(Method::Get, "/core/v1/openapi.json");
        router.handle(&known.into_iter().fold(request, |request, known| request.with_header("if-none-match", known)))
    }

    #[test]
    fn the_page_comes_in_the_readers_language_and_lets_nothing_foreign_in() {
        let mut router = Router::new();
        routes(&mut router);
        let ask = |target: &str, languages: &str| {
            let request = Request::new(Method::Get, target).with_header("accept-language", languages);
            let answer = router.handle(&request);
            assert_eq!(answer.status(), 200);
            assert!(answer.header_value("content-security-policy").unwrap().starts_with("default-src 'none'"));
            answer.text().contains("<html lang=\"ru\">")
        };
        assert!(ask("/core/v1/docs", "ru-RU,ru;q=0.9,en;q=0.8"));
        assert!(ask("/core/v1/docs", "de, ru"));
        assert!(!ask("/core/v1/docs", "en-GB, ru") && !ask("/core/v1/docs", ""));
        assert!(!ask("/core/v1/docs?lang=en", "ru") && ask("/core/v1/docs?lang=ru", "en"));
        let style = router.handle(&Request::new(Method::Get, "/core/v1/docs/style.css"));
        assert_eq!(style.header_value("content-type"), Some("text/css; charset=utf-8"));
    }

    #[test]
    fn the_document_is_served_to_anybody_and_not_twice() {
        let first = ask(None);
        assert_eq!((first.status(), first.bytes()), (200, super::COMMITTED));
        assert_eq!(first.header_value("content-type"), Some("application/json"));
        let etag = first.header_value("etag").unwrap();
        for known in [etag, "*", &format!("W/{etag}"), &format!("\"a\", {etag}")] {
            let again = ask(Some(known));
            assert_eq!((again.status(), again.bytes().len()), (304, 0), "{known}");
            assert_eq!(again.header_value("etag"), Some(etag));
        }
        for other in ["\"a\"", "", etag.trim_matches('"')] {
            assert_eq!(ask(Some(other)).status(), 200, "{other}");
        }
    }
}
