//! Components are swapped under full load, and not one request fails, hangs, or has its effect twice or not at all.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use datamp_tests::{
    case::Database,
    component::{SERVICE, built, from_text, in_folder, repository, variant, with_section},
    host::{Host, Settings},
    http::{Answer, Outgoing, PATIENCE},
    ledger,
    load::{Load, expect},
    shop::{Owner, Shop, platform},
    wait::until,
};
use serde_json::json;

/// How often each component is swapped. Four components make a hundred swaps and more.
const SWAPS: usize = 26;

/// Clients at work all the while: more than the cores, so that there is always a request under way.
const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn core_is_swapped_under_load_and_every_payment_is_made_once() {
    let host = platform(Database::Sqlite).await;
    let shop = Shop::with_balance(&host, "anna@example.com", 1_000_000_000).await;
    let paid = Arc::new(AtomicI64::new(0));
    let load = payments_and_balances(&host, &shop, &paid);
    swap(&host, &load, "core").await;
    load.stop().await.assert_flawless(SWAPS * CLIENTS);
    assert_payments(&host, &shop, &paid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn core_is_swapped_under_load_on_postgresql() {
    let host = platform(Database::Postgresql).await;
    let shop = Shop::with_balance(&host, "anna@example.com", 1_000_000_000).await;
    let paid = Arc::new(AtomicI64::new(0));
    let load = payments_and_balances(&host, &shop, &paid);
    swap(&host, &load, "core").await;
    load.stop().await.assert_flawless(SWAPS * CLIENTS);
    assert_payments(&host, &shop, &paid).await;
}

/// Half of the clients pay, each payment with a key of its own; half read the balance.
fn payments_and_balances(host: &Host, shop: &Shop, paid: &Arc<AtomicI64>) -> Load {
    let (payer, paid) = (shop.clone(), Arc::clone(paid));
    Load::start(
        host.public,
        CLIENTS,
        move |client, number| match client % 2 {
            0 => payer.payment(&format!("{client}-{number}"), amount(number)),
            _ => payer.get("/core/v1/balance"),
        },
        move |client, number, answer| {
            if client % 2 == 1 {
                return expect(answer, 200);
            }
            expect(answer, 201)?;
            paid.fetch_add(amount(number), Ordering::Relaxed);
            Ok(())
        },
    )
}

/// Amounts that differ, so that a payment which is made twice and one which is not made at all don't make up for each other.
fn amount(number: usize) -> i64 {
    100 + i64::try_from(number % 97).unwrap()
}

async fn assert_payments(host: &Host, shop: &Shop, paid: &AtomicI64) {
    let paid = paid.load(Ordering::Relaxed);
    assert!(paid > 0);
    assert_eq!(ledger::paid(host).await, paid);
    assert_eq!(shop.balance(host).await, 1_000_000_000 - paid);
    ledger::assert_sound(host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gate_is_swapped_under_load() {
    let host = platform(Database::Sqlite).await;
    let owner = Owner::register(&host, "anna@example.com").await;
    let shop = owner.create_shop(&host, "A shop").await;
    let load = Load::start(
        host.public,
        CLIENTS,
        move |client, _| {
            // Through gate to core, and in gate alone.
            let path = if client % 2 == 0 { format!("/gate/v1/shops/{}", shop.id) } else { "/gate/v1/me".to_owned() };
            Outgoing::get(&path).bearer(&owner.access_token)
        },
        |client, _, answer| {
            expect(answer, 200)?;
            let expected = if client % 2 == 0 { "balances" } else { "email_verified" };
            if answer.text().contains(expected) { Ok(()) } else { Err(answer.text()) }
        },
    );
    swap(&host, &load, "gate").await;
    load.stop().await.assert_flawless(SWAPS * CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn core_is_swapped_while_gate_calls_it() {
    let host = platform(Database::Sqlite).await;
    let owner = Owner::register(&host, "anna@example.com").await;
    let shop = owner.create_shop(&host, "A shop").await;
    let path = format!("/gate/v1/shops/{}", shop.id);
    let load = Load::start(
        host.public,
        CLIENTS,
        move |_, _| Outgoing::get(&path).bearer(&owner.access_token),
        |_, _, answer| expect(answer, 200),
    );
    swap(&host, &load, "core").await;
    load.stop().await.assert_flawless(SWAPS * CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn communication_is_swapped_under_load() {
    let host = platform(Database::Sqlite).await;
    // Its answer to a code for a challenge that there is not comes from the database, and sends no mail.
    let load = Load::start(
        host.public,
        CLIENTS,
        |_, _| {
            Outgoing::post(
                "/communication/v1/email-verifications/user_01h455vb4pex5vsknk084sn02q/check",
                &json!({"code": "123456"}),
            )
        },
        |_, _, answer| match answer.problem() {
            Some(_) if answer.status.is_client_error() => Ok(()),
            _ => Err(format!("{} {}", answer.status, answer.text())),
        },
    );
    swap(&host, &load, "communication").await;
    load.stop().await.assert_flawless(SWAPS * CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admin_is_swapped_under_load() {
    let host = platform(Database::Sqlite).await;
    let load = Load::of_path(host.public, CLIENTS, "/admin/login");
    swap(&host, &load, "admin").await;
    load.stop().await.assert_flawless(SWAPS * CLIENTS);
}

/// Swaps a component again and again: to a new file, back by a rollback, and to an earlier generation by its number.
async fn swap(host: &Host, load: &Load, name: &str) {
    let file = fs::read(built(&format!("datamp_{name}"))).unwrap();
    let before = host.control.active(name).await;
    let mut newest = before;
    for number in 0..SWAPS {
        load.advance(CLIENTS).await;
        match number % 3 {
            // Some files are new, and are compiled under load; some were there before.
            0 => newest = host.control.deployed(variant(&file, number % 4)).await,
            1 => {
                host.control.rollback(name).await.expect(200);
                assert!(host.control.active(name).await < newest);
            }
            _ => {
                host.control.activate(name, newest).await.expect(200);
                assert_eq!(host.control.active(name).await, newest);
            }
        }
    }
    load.advance(CLIENTS).await;
    assert!(newest > before + 5, "{before} to {newest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_finished_by_the_generation_that_began_it() {
    let host = Settings::new(Database::Sqlite).start().await;
    let case = |name: &str| in_folder(&repository().join("tests/components").join(name));
    host.control.deployed(case("slow-answer")).await;
    let slow = || Outgoing::get("/slow-answer/slow").send(host.public, PATIENCE);
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        under_way.spawn(slow());
    }
    wait_until(|| async { host.control.component("slow-answer").await["in_flight"] == CLIENTS }).await;

    // What is new is served by the new generation at once, while the old one still works.
    let began = Instant::now();
    host.control.deployed(variant(&case("slow-answer"), 2)).await;
    assert_eq!(host.get("/slow-answer/k").await.expect(200).text(), "fine");
    let took = began.elapsed();
    let left = under_way.len();
    assert_eq!(state(&host, 1).await, "draining", "{left} under way after {took:?}");
    while let Some(answer) = under_way.join_next().await {
        assert_eq!(answer.unwrap().unwrap().expect(200).text(), "fine");
    }
    wait_until(|| async { state(&host, 1).await == "retired" }).await;
    assert_eq!(state(&host, 2).await, "active");
}

async fn state(host: &Host, number: u64) -> String {
    let history = host.control.get("/v1/components/slow-answer/generations").await;
    let generation = history.as_array().unwrap().iter().find(|generation| generation["number"] == number);
    generation.unwrap()["state"].as_str().unwrap().to_owned()
}

async fn wait_until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    until("what it takes to go on", async || condition().await.then_some(())).await;
}

#[tokio::test]
async fn what_is_active_survives_a_stop_and_a_kill() {
    let file = |number| variant(&fs::read(built("case_hello")).unwrap(), number);
    let host = Settings::new(Database::Sqlite).component(built("case_hello")).start().await;
    for number in 2..=4 {
        assert_eq!(host.control.deployed(file(number)).await, u64::try_from(number).unwrap());
    }
    host.control.rollback("hello").await.expect(200);
    assert_eq!(host.control.active("hello").await, 3);

    let host = host.stop().await.start_without_components().await;
    assert_eq!(host.control.active("hello").await, 3);
    host.get("/hello/json").await.expect(200);

    host.control.activate("hello", 2).await.expect(200);
    let host = host.kill().start_without_components().await;
    assert_eq!(host.control.active("hello").await, 2);
    host.get("/hello/json").await.expect(200);
    // Generations are counted on from where they were.
    assert_eq!(host.control.deployed(file(5)).await, 5);
}

#[tokio::test]
async fn whoever_asks_for_what_does_not_start_again_is_told_to_come_back() {
    let host = Settings::new(Database::Postgresql).component(built("case_hello")).start().await;
    let folder = repository().join("tests/components/trap-at-start");
    let manifest = fs::read_to_string(folder.join("component.toml")).unwrap();
    let manifest = manifest.replace("trap-at-start", "hello");
    let trap = from_text(&fs::read_to_string(folder.join("module.wat")).unwrap(), SERVICE, "trap-at-start");
    let trap = with_section(&trap, "datamp:manifest", manifest.as_bytes());
    host.control.deploy(trap, &["all".to_owned()]).await.expect_problem(422, "does-not-start");
    host.get("/hello/json").await.expect(200);
    // As if it had started: a new release of the host may be one with which a file does not.
    host.execute("UPDATE datamp.host_generation SET state = CASE number WHEN 2 THEN 'active' ELSE 'retired' END").await;

    let host = host.stop().await.start_without_components().await;
    let answer = host.get("/hello/json").await;
    answer.expect_problem(503, "component-not-running");
    assert_eq!(answer.header("retry-after"), Some("5"));
    host.get("/else").await.expect_problem(404, "no-route");
    assert!(host.output().contains("hello"), "{}", host.output());
    host.control.activate("hello", 1).await.expect(200);
    host.get("/hello/json").await.expect(200);
}

/// One of two that want the same prefix was deployed while the other was not running.
#[tokio::test]
async fn of_two_that_want_one_prefix_the_one_that_came_later_is_up_after_a_start() {
    let serve = "(func (export \"datamp:http/handler@1.0.0#handle\") (type $handle) (call $fine))";
    let component = |name: &str| {
        let manifest = format!("name = \"{name}\"\nversion = \"0.1.0\"\ndescription = \"x\"\nroutes = [\"/same\"]\n");
        with_section(&from_text(serve, SERVICE, name), "datamp:manifest", manifest.as_bytes())
    };
    let state =
        |state: &str| format!("UPDATE datamp.host_generation SET state = '{state}' WHERE component = 'a-first'");
    let host = Settings::new(Database::Postgresql).start().await;
    host.control.deployed(component("a-first")).await;
    host.control.deploy(component("second"), &["all".to_owned()]).await.expect_problem(409, "route-taken");
    host.execute(&state("retired")).await;
    let host = host.stop().await.start().await;
    host.control.deployed(component("second")).await;
    host.execute(&state("active")).await;

    let host = host.stop().await.start().await;
    host.get("/same/k").await.expect(200);
    assert_eq!(host.control.component("second").await["in_flight"], 0);
    let first = host.control.component("a-first").await;
    let reason = first["broken"].as_str().unwrap_or_else(|| panic!("{first}"));
    assert!(reason.contains("/same") && reason.contains("second"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_told_to_stop_finishes_what_is_under_way() {
    let host = Settings::new(Database::Sqlite).start().await;
    host.control.deployed(in_folder(&repository().join("tests/components/slow-answer"))).await;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        under_way.spawn(Outgoing::get("/slow-answer/slow").send(host.public, PATIENCE));
    }
    wait_until(|| async { host.control.component("slow-answer").await["in_flight"] == CLIENTS }).await;
    let stopped = tokio::spawn(host.stop());
    while let Some(answer) = under_way.join_next().await {
        let answer: Answer = answer.unwrap().unwrap();
        assert_eq!(answer.expect(200).text(), "fine");
    }
    stopped.await.unwrap();
}
