//! A change of an HTTP API that breaks its clients is refused at deployment, unless somebody answers for it.

use std::fs;

use datamp_tests::{
    case::Database,
    component::{built, with_section},
    host::{Host, Settings},
    http::{Answer, Outgoing},
    shop::core_alone,
};
use serde_json::{Value, json};

/// The component with this for the document of its API.
fn with_document(document: &Value) -> Vec<u8> {
    let hello = fs::read(built("case_hello")).unwrap();
    with_section(&hello, "datamp:openapi", document.to_string().as_bytes())
}

fn document(version: &str, required: &[&str]) -> Value {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "title": {"type": "string"}},
        "required": required,
        "additionalProperties": false,
    });
    let operation = json!({
        "operationId": "greet",
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "A greeting."}},
    });
    let info = json!({"title": "Hello", "version": version});
    json!({"openapi": "3.1.0", "info": info, "paths": {"/hello/greetings": {"post": operation}}})
}

async fn serving() -> Host {
    let host = Settings::new(Database::Sqlite).start().await;
    assert_eq!(host.control.deployed(with_document(&document("1.0.0", &["name"]))).await, 1);
    host
}

async fn allow_breaking(host: &Host, file: Vec<u8>, reason: &str) -> Answer {
    let path = format!("/v1/deployments?by=tests&reason={reason}&grant=all&allow_breaking=true");
    host.control.send(Outgoing::new("POST", &path).header("content-type", "application/wasm").body(file)).await
}

#[tokio::test]
async fn a_deployment_that_breaks_clients_is_refused_and_the_old_one_serves_on() {
    let host = serving().await;
    let mut breaking = document("2.0.0", &["name", "title"]);
    breaking["paths"]["/hello/greetings"]["post"]["responses"] = json!({"204": {"description": "Nothing."}});
    let refused = host.control.deploy(with_document(&breaking), &["all".to_owned()]).await;
    refused.expect_problem(409, "breaks-clients");
    assert_eq!(
        refused.json()["breaks"],
        json!([
            "POST /hello/greetings: answer 200: it is gone",
            "POST /hello/greetings: request body, title: it could be left out, and is required",
        ])
    );
    assert!(refused.json()["detail"].as_str().unwrap().contains("request body, title"), "{}", refused.text());
    let without = host.control.deploy(fs::read(built("case_hello")).unwrap(), &["all".to_owned()]).await;
    without.expect_problem(409, "breaks-clients");

    assert_eq!(host.control.active("hello").await, 1);
    host.get("/hello/json").await.expect(200);
    let history = host.control.get("/v1/components/hello/generations").await;
    let states = [0, 1, 2].map(|place| history[place]["state"].clone());
    assert_eq!(states, ["rejected", "rejected", "active"]);
    assert!(history[1]["reason"].as_str().unwrap().contains("answer 200: it is gone"), "{history}");
}

#[tokio::test]
async fn an_addition_is_deployed() {
    let host = serving().await;
    let mut more = document("1.1.0", &[]);
    more["paths"]["/hello/others"] = json!({"get": {"responses": {"200": {"description": "Others."}}}});
    host.control.deployed(with_document(&more)).await;
    assert_eq!(host.control.active("hello").await, 2);
}

#[tokio::test]
async fn whoever_breaks_clients_says_why_and_it_stays_in_the_history() {
    let host = serving().await;
    let breaking = with_document(&document("2.0.0", &["name", "title"]));
    allow_breaking(&host, breaking.clone(), "%20").await.expect_problem(422, "invalid-change");
    allow_breaking(&host, breaking, "nobody%20calls%20it").await.expect(201);
    assert_eq!(host.control.active("hello").await, 2);
    let history = host.control.get("/v1/components/hello/generations").await;
    let reason = "nobody calls it (clients may break: POST /hello/greetings: request body, title: \
                  it could be left out, and is required)";
    assert_eq!(history[0]["reason"], reason);

    // The way back is never barred, although those who came since would break.
    host.control.rollback("hello").await.expect(200);
    assert_eq!(host.control.active("hello").await, 1);
}

#[tokio::test]
async fn a_section_that_is_no_document_is_refused() {
    let host = Settings::new(Database::Sqlite).start().await;
    for document in [json!({"openapi": "3.0.0"}), json!("text"), json!({"openapi": "3.1.0", "paths": {}})] {
        let refused = host.control.deploy(with_document(&document), &["all".to_owned()]).await;
        refused.expect_problem(422, "invalid-openapi");
    }
}

#[tokio::test]
async fn core_carries_and_serves_its_document() {
    let host = core_alone(Database::Sqlite).start().await;
    let served = host.get("/core/v1/openapi.json").await.expect(200);
    let etag = served.header("etag").unwrap().to_owned();
    let again = host.send(Outgoing::get("/core/v1/openapi.json").header("if-none-match", &etag)).await.expect(304);
    assert!(again.body.is_empty());
    let file = fs::read(built("datamp_core")).unwrap();
    let inspected = host.control.send(Outgoing::new("POST", "/v1/inspections").body(file)).await.expect(200).json();
    assert_eq!(inspected["openapi"], served.json()["info"]["version"]);
}
