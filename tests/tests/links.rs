//! Calls from component to component.

use std::fmt::Write as _;

use datamp_tests::{
    case::Database,
    component::{from_text, in_folder, repository, variant, with_section},
    host::{Host, Settings},
    http::Answer,
    load::Load,
    wait::until,
};

/// How many components may stand in one chain of calls.
const DEPTH: usize = 8;

async fn host() -> Host {
    Settings::new(Database::Sqlite).start().await
}

/// A component that exports `link-N` and, unless it is the last, calls `link-N+1` in it.
fn link(number: usize, of: usize, deadline: &str) -> Vec<u8> {
    let is_last = number + 1 == of;
    let next = number + 1;
    let mut world = "package case:chain;\n".to_owned();
    for n in number..of {
        writeln!(world, "interface link-{n} {{ call: func() -> u32; }}").unwrap();
    }
    let import = if is_last { String::new() } else { format!("import link-{next};") };
    writeln!(world, "world link {{ {import} export link-{number}; export datamp:http/handler@1.0.0; }}").unwrap();
    let (import, body) = if is_last {
        (String::new(), "(i32.const 1)")
    } else {
        let import = format!("(import \"case:chain/link-{next}\" \"call\" (func $next (result i32)))");
        (import, "(i32.add (call $next) (i32.const 1))")
    };
    let text = format!(
        "{import}
         (func $call (export \"case:chain/link-{number}#call\") (result i32) {body})
         (func (export \"datamp:http/handler@1.0.0#handle\") (type $handle)
           (i32.store8 (i32.const 40) (i32.add (i32.const 48) (call $call)))
           (call $answer (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 40) (i32.const 1)))"
    );
    let uses = if is_last { String::new() } else { format!("\"case:chain/link-{next}\"") };
    let manifest = format!(
        "name = \"link-{number}\"\nversion = \"0.1.0\"\nroutes = [\"/link-{number}\"]\nuses = [{uses}]\n\
         [limits]\ndeadline = \"{deadline}\"\nreuse = 1000\n"
    );
    with_section(&from_text(&text, &world, "link"), "datamp:manifest", manifest.as_bytes())
}

#[tokio::test]
async fn a_chain_of_calls_goes_so_deep_and_no_deeper() {
    let host = host().await;
    for number in (0..=DEPTH).rev() {
        host.control.deployed(link(number, DEPTH + 1, "5s")).await;
    }
    assert_eq!(host.get("/link-1").await.expect(200).text(), DEPTH.to_string());
    let refused = host.get("/link-0").await;
    refused.expect_problem(508, "call-depth");
    assert!(refused.text().contains(&DEPTH.to_string()), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_component_of_a_chain_is_swapped_under_load() {
    let host = host().await;
    let files: Vec<_> = (0..4).map(|number| link(number, 4, "5s")).collect();
    for file in files.iter().rev() {
        host.control.deployed(file.clone()).await;
    }
    let load = Load::of_path(host.public, 4, "/link-0");
    for round in 0..5 {
        for file in &files {
            load.advance(8).await;
            host.control.deployed(variant(file, round)).await;
        }
    }
    load.advance(8).await;
    load.stop().await.assert_flawless(160);
    assert_eq!(host.get("/link-0").await.expect(200).text(), "4");
}

#[tokio::test]
async fn a_failure_names_the_component_that_failed_and_not_its_caller() {
    let host = host().await;
    let case = |name: &str| in_folder(&repository().join("tests/components").join(name));
    host.control.deployed(case("failing-callee/callee")).await;
    host.control.deployed(case("failing-callee/caller")).await;
    let failed = in_time(&host, "/caller/t").await;
    failed.expect_problem(500, "component-failed");
    assert!(failed.text().contains("callee failed"), "{}", failed.text());
    in_time(&host, "/caller/k").await.expect(200);
}

/// Asks again while the caller's 400 ms are over before there is an answer: so it may be on a machine that is busy.
async fn in_time(host: &Host, path: &str) -> Answer {
    until(path, async || {
        let answer = host.get(path).await;
        (answer.problem().as_deref() != Some("deadline-exceeded")).then_some(answer)
    })
    .await
}

#[tokio::test]
async fn a_callers_deadline_holds_in_the_component_that_it_calls() {
    let host = host().await;
    let case = |name: &str| in_folder(&repository().join("tests/components").join(name));
    // The callee may take longer than the test waits for an answer, by its own manifest; the caller has 400 ms.
    host.control.deployed(case("failing-callee/callee")).await;
    host.control.deployed(case("failing-callee/caller")).await;
    host.get("/caller/e").await.expect_problem(504, "deadline-exceeded");
    // Nothing of it goes on working.
    until("nothing is under way", async || (host.control.component("callee").await["in_flight"] == 0).then_some(()))
        .await;
    in_time(&host, "/caller/k").await.expect(200);
}
