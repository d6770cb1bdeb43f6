//! The control panel in a browser: the tests of `tests/browser`, against a host that has had a first day.

use std::{fs, process::Command};

use datamp_tests::{
    case::Database,
    component::{built, repository, variant},
    host::command,
    shop::{Shop, platform_settings},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_control_panel_works_in_a_browser() {
    let host = platform_settings(Database::Sqlite).component(built("case_operated")).start().await;
    let shop = Shop::with_balance(&host, "anna@example.com", 150_000).await;
    shop.pay(&host, "order-1", 49_900).await.expect(201);
    let gate = fs::read(built("datamp_gate")).unwrap();
    host.control.deployed(variant(&gate, 2)).await;

    let ran = command(
        Command::new("node")
            .args(["--test", "--test-reporter=spec"])
            .current_dir(repository().join("tests/browser"))
            .env("DATAMP_URL", format!("http://{}", host.public))
            .env("DATAMP_FIRST_PASSWORD", host.control.secret("admin", "first-password").await)
            .env("DATAMP_ROLLBACK", "gate"),
    );
    println!("{}{}", ran.output, ran.errors);
    assert!(ran.succeeded);
    assert!(ran.output.contains("fail 0") && !ran.output.contains("tests 0"), "no test was run");
    assert_eq!(host.control.active("gate").await, 1, "the panel rolled it back");
}
