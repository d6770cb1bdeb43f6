//! Components that misbehave, are damaged, or lie: one folder of `tests/components` for each.
//!
//! In every case a neighbour answers requests without a pause, and not one of its answers may fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where what it needs is missing"
)]

use std::path::Path;

use datamp_tests::{
    case::{Case, Database, Deploy, Request, Source, Step},
    component,
    host::{Host, Settings},
    http::{Answer, Outgoing},
    load::Load,
    wait::until,
};
use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut trials = Vec::new();
    for (name, case) in Case::all() {
        for database in case.databases.clone() {
            let case = case.clone();
            let name = match database {
                Database::Sqlite => name.clone(),
                Database::Postgresql => format!("{name}_on_postgresql"),
            };
            trials.push(Trial::test(name, move || {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                runtime.unwrap().block_on(run(&case, database));
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

async fn run(case: &Case, database: Database) {
    let settings = Settings::new(database).component(component::built("case_hello"));
    let mut host = settings.start().await;
    let neighbour = Load::of_path(host.public, 4, "/hello/json");
    neighbour.advance(50).await;
    for (number, step) in case.steps.iter().enumerate() {
        println!("step {}", number + 1);
        match step {
            Step::Deploy(step) => deploy(&host, case, step).await,
            Step::Request(step) if !step.databases.is_empty() && !step.databases.contains(&database) => {}
            Step::Request(step) => request(&host, step).await,
            Step::Rollback(step) => {
                host.control.rollback(&step.rollback).await.expect(200);
            }
        }
    }
    neighbour.advance(50).await;
    neighbour.stop().await.assert_flawless(100);
    host.assert_well().await;
    // The host is well, and so is deploying.
    host.control.deployed(component::variant(&std::fs::read(component::built("case_hello")).unwrap(), 1)).await;
    host.get("/hello/json").await.expect(200);
}

async fn deploy(host: &Host, case: &Case, step: &Deploy) {
    for (file, may_be_accepted) in files(&step.deploy, &case.folder) {
        let grant = step.grant.clone().unwrap_or_else(|| vec!["all".to_owned()]);
        let answer = host.control.deploy(file, &grant).await;
        if may_be_accepted && answer.status == 201 {
            continue;
        }
        let Some(slug) = &step.refused else {
            if may_be_accepted {
                let slug = answer.problem();
                assert!(answer.status.is_client_error() && slug.is_some(), "{} {}", answer.status, answer.text());
            } else {
                answer.expect(201);
            }
            continue;
        };
        assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text());
        let slug = step.or.as_ref().filter(|other| answer.problem().as_ref() == Some(*other)).unwrap_or(slug);
        answer.expect_problem(answer.status.as_u16(), slug);
        says(&answer, &step.says);
    }
}

/// The files of a step, and whether each may just as well be accepted as refused.
fn files(source: &Source, case: &Path) -> Vec<(Vec<u8>, bool)> {
    match source {
        Source::Folder(folder) => vec![(component::in_folder(&joined(case, folder)), false)],
        Source::Bytes { bytes } => vec![(bytes.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(), false)],
        Source::Cut { cut, pieces } => {
            let whole = component::in_folder(&joined(case, cut));
            (1..*pieces).map(|piece| (whole[..whole.len() * piece / pieces].to_vec(), false)).collect()
        }
        Source::Flip { flip, times } => {
            let whole = component::in_folder(&joined(case, flip));
            let flipped = |time: usize| {
                let mut file = whole.clone();
                file[whole.len() * time / times] ^= 1 << (time % 8);
                (file, true)
            };
            (0..*times).map(flipped).collect()
        }
    }
}

fn joined(case: &Path, folder: &Path) -> std::path::PathBuf {
    if folder == Path::new(".") { case.to_path_buf() } else { case.join(folder) }
}

async fn request(host: &Host, step: &Request) {
    let (method, path) = step.request.split_once(' ').unwrap();
    for _ in 0..step.times {
        let mut request = Outgoing::new(method, path);
        if let Some(body) = &step.send {
            request = request.body(body.clone());
        }
        let answer = until(&step.request, async || {
            let answer = host.send(request.clone()).await;
            let late = step.patient && answer.problem().as_deref() == Some("deadline-exceeded");
            (!late).then_some(answer)
        })
        .await;
        match &step.problem {
            Some(slug) => answer.expect_problem(step.status, slug),
            None => {
                answer.clone().expect(step.status);
            }
        }
        says(&answer, &step.says);
        for hidden in &step.hides {
            assert!(!answer.text().contains(hidden), "it says {hidden:?}: {}", answer.text());
        }
        if let Some(body) = &step.body {
            assert_eq!(&answer.text(), body);
        }
        if step.refuses {
            assert!(!answer.text().starts_with("done"), "{:?}: {}", step.send, answer.text());
        }
    }
    if let Some(text) = &step.logged {
        // A record is written beside the answer, not before it.
        until(&format!("the log holds {text:?}"), async || host.log().contains(text.as_str()).then_some(())).await;
    }
}

fn says(answer: &Answer, texts: &[String]) {
    for text in texts {
        assert!(answer.text().contains(text), "it does not say {text:?}: {}", answer.text());
    }
}
