//! The API's document: drawn from the routes, committed, and served as it was committed.
//!
//! `cargo xtask openapi` writes `openapi/v1.json` anew. What was released is kept under `openapi/released/`, and nothing that
//! breaks it passes the tests.

pub mod api;

use datamp_sdk::openapi::{Document, Faults};

use crate::api::routes;

/// The document as it was committed.
pub const COMMITTED: &[u8] = include_bytes!("../../openapi/v1.json");

/// Where the page is that shows it, which is no part of the API.
pub const PAGE: &str = "/core/v1/docs";

/// Where the page's style sheet is.
pub const STYLE: &str = "/core/v1/docs/style.css";

/// The version of the API's document: the second number counts additions, the third corrections of words.
pub const VERSION: &str = "1.0.0";

const TEXT: &str = "\
The shops' API: balances, top-ups, payments, refunds, statements, keys and webhooks.

**Amounts** are whole minor units of their currency (kopecks, cents). **Times** are RFC 3339, in UTC. **Ids** say by their \
prefix what they are of; take them as texts.

**Authentication** is an API key of the shop: `Authorization: Bearer dmp_live_…`.

**Idempotency.** What changes something takes the field `Idempotency-Key`. The same request with the same key is carried \
out once, and gets the same answer each time, byte for byte; the later ones have `Idempotency-Replayed: true`. A refusal is \
an answer like any other: to try again after one, take a new key. An error of ours (5xx) keeps nothing: send the request again \
as it is.

**Lists** are pages, the newest first. `next` of a page is the `starting_after` of the one after it.

**Errors** are problem documents (RFC 9457). Tell them apart by `type`; `detail` is for people, and its words may change.

**What may change.** Answers may come to have more fields, problems and values of an enumeration: take what you don't know \
as unknown. Requests are read strictly, and an unknown field is refused. Nothing that a client relies on is removed: what \
is to go is marked as deprecated, and its answers say so by `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).";

/// The document of the API as the code is now.
///
/// # Errors
/// When a route is missing in it, or said too little of.
pub fn document() -> Result<serde_json::Value, Faults> {
    Document::new("DataMP core", VERSION).text(TEXT).except(PAGE).except(STYLE).of(routes)
}

/// The same as it is committed: indented, so that changes can be reviewed.
///
/// # Errors
/// When a route is missing in it, or said too little of.
pub fn written() -> Result<String, Faults> {
    Ok(format!("{:#}\n", document()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_openapi::{Document as Known, now};
    use serde_json::{Value, json};

    /// The release with the greatest version, for which clients were written.
    fn released() -> Known {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/released");
        let version = |name: &str| -> Vec<u64> { name.split('.').map_while(|part| part.parse().ok()).collect() };
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let latest = files.max_by_key(|file| version(file.file_name().unwrap().to_str().unwrap())).unwrap();
        Known::parse(&std::fs::read(latest).unwrap()).unwrap()
    }

    fn told(old: &Known, new: &Value) -> Vec<String> {
        let new = Known::parse(new.to_string().as_bytes()).unwrap();
        old.breaks(&new, now()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_committed_document_is_what_the_code_says() {
        let written = written().unwrap_or_else(|faults| panic!("{faults}"));
        let is_the_same = written.as_bytes() == COMMITTED;
        assert!(is_the_same, "openapi/v1.json is out of date: run `cargo xtask openapi`, and commit what it writes");
    }

    #[test]
    fn the_page_shows_the_document_in_both_languages_and_runs_no_script() {
        let document = document().unwrap();
        for page in [api::PAGE_EN, api::PAGE_RU] {
            let page = str::from_utf8(page).unwrap();
            for (_, item) in document["paths"].as_object().unwrap() {
                for (_, operation) in item.as_object().unwrap() {
                    let id = operation["operationId"].as_str().unwrap();
                    assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
                }
            }
            for forbidden in ["<script", "style=", "onclick", "src="] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn the_api_breaks_no_client_of_the_latest_release() {
        assert_eq!(told(&released(), &document().unwrap()), [""; 0]);
    }

    /// What the test above is worth.
    #[test]
    fn a_change_that_breaks_clients_is_found_and_an_addition_passes() {
        let released = released();
        let changed = |change: fn(&mut Value)| {
            let mut document = document().unwrap();
            change(&mut document);
            told(&released, &document)
        };
        assert_eq!(
            changed(|document| {
                let new = &mut document["components"]["schemas"]["NewPayment"];
                new["properties"]["campaign"] = json!({"type": "string"});
                new["required"].as_array_mut().unwrap().push(json!("campaign"));
            }),
            ["POST /core/v1/payments: request body, campaign: it is new, and required"]
        );
        assert_eq!(
            changed(|document| {
                document["paths"].as_object_mut().unwrap().remove("/core/v1/balance");
            }),
            ["GET /core/v1/balance: the operation is gone"]
        );
        let breaks = changed(|document| document["components"]["schemas"]["Amount"]["maximum"] = json!(1_000));
        let expected =
            "POST /core/v1/payments: request body, amount: its greatest value was 1000000000000000, and is 1000";
        assert!(breaks.iter().any(|one| one == expected), "{breaks:?}");
        let breaks = changed(|document| {
            document["components"]["schemas"]["Payment"]["properties"].as_object_mut().unwrap().remove("reference");
        });
        assert!(breaks.iter().any(|one| one == "GET /core/v1/payments/{id}: answer 200, reference: it is gone"));

        assert_eq!(
            changed(|document| {
                document["components"]["schemas"]["NewPayment"]["properties"]["campaign"] = json!({"type": "string"});
                document["components"]["schemas"]["Payment"]["properties"]["campaign"] = json!({"type": "string"});
                let status = &mut document["components"]["schemas"]["PaymentStatus"]["enum"];
                status.as_array_mut().unwrap().push(json!("postponed"));
                let more = json!({"operationId": "more", "responses": {"200": {"description": "More."}}});
                document["paths"]["/core/v1/more"] = json!({"get": more});
            }),
            [""; 0]
        );
    }
}
