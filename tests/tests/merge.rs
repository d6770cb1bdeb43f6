//! Calls that are merged: many callers, one call, and each its own answer.

use std::{fs, time::Instant};

use datamp_tests::{
    case::Database,
    component::{built, from_text, variant, with_section},
    host::{Host, Settings},
    http::{Answer, Outgoing, PATIENCE},
    load::Load,
    wait::until,
};
use tokio::task::JoinSet;

async fn host() -> Host {
    Settings::new(Database::Sqlite).component(built("case_merged_calls")).start().await
}

/// Asks for all of these at once.
async fn together(host: &Host, numbers: &[u32]) -> Vec<(u32, Answer)> {
    let mut sent = JoinSet::new();
    for number in numbers.iter().copied() {
        let answer = Outgoing::get(&format!("/merged-calls/{number}")).send(host.public, PATIENCE);
        sent.spawn(async move { (number, answer.await.unwrap()) });
    }
    sent.join_all().await
}

#[tokio::test]
async fn callers_at_the_same_time_share_calls_and_get_their_own_answers() {
    let host = host().await;
    let numbers: Vec<u32> = (100..140).collect();
    let began = Instant::now();
    let mut largest = 0;
    // Whether two come at the same time is up to the machine: until they did.
    while largest < 2 {
        assert!(began.elapsed() < PATIENCE, "nothing was merged");
        for (number, answer) in together(&host, &numbers).await {
            let answer = answer.expect(200).json();
            assert_eq!(answer["number"], number * 2);
            let elements = answer["elements"].as_u64().unwrap();
            assert!((1..=4).contains(&elements), "{elements}");
            largest = largest.max(elements);
        }
    }
    // Alone again, a caller waits for nobody.
    assert_eq!(host.get("/merged-calls/1").await.expect(200).json()["elements"], 1);

    let metrics = host.get("/metrics").await.expect(200).text();
    let figure = |name: &str| {
        let start =
            format!("datamp_merge_{name}{{component=\"merged-calls\",function=\"case:merge/doubling#double\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{start}: {metrics}")).parse::<f64>().unwrap()
    };
    let callers = figure("callers_total");
    assert!(callers > 40.0 && (callers - 1.0) % 40.0 == 0.0, "{callers}");
    assert_eq!((figure("elements_sum"), figure("wait_seconds_count")), (callers, callers));
    assert!(figure("elements_count") < callers && figure("wait_seconds_sum") > 0.0);
    assert_eq!((figure("refused_total"), figure("repeated_total")), (0.0, 0.0));
}

#[tokio::test]
async fn an_element_that_is_refused_or_traps_fails_alone() {
    let host = host().await;
    let numbers: Vec<u32> = (1..=40)
        .map(|n| {
            if n % 5 == 0 {
                666
            } else if n % 4 == 0 {
                13
            } else {
                n + 1000
            }
        })
        .collect();
    for (number, answer) in together(&host, &numbers).await {
        match number {
            13 => answer.expect_problem(422, "refused"),
            666 => answer.expect_problem(500, "component-failed"),
            number => assert_eq!(answer.expect(200).json()["number"], number * 2),
        }
    }
    until("nothing is under way", async || {
        (host.control.component("merged-calls").await["in_flight"] == 0).then_some(())
    })
    .await;
    let metrics = host.get("/metrics").await.expect(200).text();
    let repeated = metrics.lines().find(|line| line.starts_with("datamp_merge_repeated_total")).unwrap();
    assert!(!repeated.ends_with(" 0"), "{repeated}");
}

#[tokio::test]
async fn a_merged_function_that_calls_itself_is_a_circle() {
    let host = host().await;
    host.get("/merged-calls/7").await.expect_problem(508, "call-cycle");
    for (number, answer) in together(&host, &[50, 7, 51, 7, 52]).await {
        match number {
            7 => answer.expect_problem(508, "call-cycle"),
            number => assert_eq!(answer.expect(200).json()["number"], number * 2),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_merges_calls_is_swapped_under_load() {
    let host = host().await;
    let file = fs::read(built("case_merged_calls")).unwrap();
    let load = Load::of_path(host.public, 8, "/merged-calls/21");
    for round in 0..10 {
        load.advance(20).await;
        host.control.deployed(variant(&file, round)).await;
    }
    load.advance(20).await;
    load.stop().await.assert_flawless(200);
}

/// A component that exports functions of several types.
const FUNCTIONS: &str = r#"
    (func (export "case:merging/functions#of-one") (param i32) (result i32) (local.get 0))
    (func (export "case:merging/functions#of-lists") (param i32 i32) (result i32) (i32.const 0))
    (func (export "case:merging/functions#of-two") (param i32 i32 i32) (result i32) (i32.const 0))
    (func (export "case:merging/functions#to-one") (param i32 i32) (result i32) (i32.const 0))
"#;

const WORLD: &str = "
    package case:merging;
    interface functions {
        of-one: func(number: u32) -> list<u32>;
        of-lists: func(numbers: list<u32>) -> list<string>;
        of-two: func(numbers: list<u32>, more: u32) -> list<u32>;
        to-one: func(numbers: list<u32>) -> u32;
    }
    world merging { export functions; }
";

#[tokio::test]
async fn a_manifest_that_merges_what_can_not_be_is_refused() {
    let host = Settings::new(Database::Sqlite).start().await;
    let component = from_text(FUNCTIONS, WORLD, "merging");
    for (function, says) in [
        ("case:merging/functions#of-none", "does not export"),
        ("case:merging/other#of-lists", "does not export"),
        ("case:merging/functions#of-one", "one parameter, a list"),
        ("case:merging/functions#of-two", "one parameter, a list"),
        ("case:merging/functions#to-one", "answer a list"),
        ("case:merging/functions#of-lists", ""),
    ] {
        let manifest = format!("name = \"merging\"\nversion = \"1.0.0\"\n[[merge]]\nfunction = \"{function}\"\n");
        let file = with_section(&component, "datamp:manifest", manifest.as_bytes());
        let answer = host.control.deploy(file, &[]).await;
        if says.is_empty() {
            answer.expect(201);
        } else {
            answer.expect_problem(422, "manifest-mismatch");
            assert!(answer.text().contains(says), "{}", answer.text());
        }
    }
}
