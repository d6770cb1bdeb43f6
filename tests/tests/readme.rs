//! The README's tour, line by line, as somebody who reads it types it.

use std::{fs, process::Command};

use datamp_tests::{
    case::Database,
    component::repository,
    host::{command, program},
    ledger,
    shop::platform,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_tour_works_line_by_line() {
    let host = platform(Database::Sqlite).await;
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```bash\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "{blocks:?}");
    // The host of this test instead of one on the default ports.
    let tour = blocks.concat().replace("target/release/datamp", program().to_str().unwrap());
    let ran = command(
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &tour])
            .current_dir(repository())
            .env("DATAMP", format!("http://{}", host.public))
            .env("DATAMP_DATA", host.data()),
    );
    assert!(ran.succeeded, "{}\n{}", ran.output, ran.errors);
    assert!(!ran.output.contains("datamp.dev/problems/"), "{}", ran.output);
    assert!(ran.output.contains("idempotency-replayed: true"), "{}", ran.output);
    assert_eq!(ledger::paid(&host).await, 49_900);
    ledger::assert_sound(&host).await;
}
