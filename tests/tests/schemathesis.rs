//! The API, exercised from the document that it serves: https://schemathesis.readthedocs.io.

use std::process::Command;

use datamp_tests::{
    case::Database,
    component::repository,
    host::command,
    shop::{Shop, platform, text},
};

/// The checks that every answer has to pass.
const CHECKS: [&str; 9] = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
    "what_has_its_form_is_understood",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_api_keeps_to_its_document_on_sqlite() {
    exercised(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_api_keeps_to_its_document_on_postgresql() {
    exercised(Database::Postgresql).await;
}

async fn exercised(database: Database) {
    let mut host = platform(database).await;
    let shop = Shop::with_balance(&host, "anna@example.com", 1_000_000_000).await;
    let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
    let document = host.get("/core/v1/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().unwrap().values();
    let operations: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
    let key = &host.send(shop.get("/core/v1/api-keys")).await.expect(200).json()["data"][0]["id"];
    let program = repository().join("target/tools/schemathesis/bin/schemathesis");
    assert!(program.is_file(), "schemathesis is not there: run `cargo xtask test`");

    let ran = command(
        Command::new(program)
            .args(["--no-color", "--config-file", "schemathesis.toml", "run", "--checks", &CHECKS.join(",")])
            .arg(format!("http://{}/core/v1/openapi.json", host.public))
            .current_dir(repository().join("tests/schemathesis"))
            .env("DATAMP_KEY", &shop.key)
            .env("DATAMP_KEY_ID", text(key))
            .env("DATAMP_CALLBACK_SECRET", secret),
    );
    println!("{}{}", ran.output, ran.errors);
    assert!(ran.succeeded);
    // All but the one that answers the document itself, which it has read before.
    let tested = format!("Tested: {}", operations - 1);
    assert!(ran.output.contains(&tested), "not every operation was tested");
    assert!(!ran.output.contains("returned only 401/403"), "an operation was never carried out");
    host.assert_well().await;
}
