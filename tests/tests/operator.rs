//! Commands for operators and limits: of any component, and those of core.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use datamp_tests::{
    case::Database,
    component::{built, variant},
    host::{Host, Ran, Settings},
    http::{Answer, Outgoing, PATIENCE},
    ledger,
    shop::{Shop, platform, platform_settings},
    wait::until,
};
use serde_json::{Value, json};

async fn operated() -> Host {
    Settings::new(Database::Sqlite).component(built("case_operated")).start().await
}

fn succeeded(ran: Ran) -> String {
    assert!(ran.succeeded, "{}{}", ran.output, ran.errors);
    ran.output
}

/// A command that fails says why, in its last line.
fn failed(ran: &Ran, says: &[&str]) {
    assert!(!ran.succeeded, "{}", ran.output);
    let last = ran.errors.lines().last().unwrap_or_default();
    for text in says {
        assert!(last.starts_with("datamp: ") && last.contains(text), "it does not say {text:?}: {}", ran.errors);
    }
}

#[tokio::test]
async fn commands_are_listed_with_what_they_take() {
    let host = operated().await;
    let listed = succeeded(host.command(&["run", "operated"]));
    for text in
        ["count --to … [--from …] [--fail-at …]", "Counts, one number in each step", "The first number", "whoami"]
    {
        assert!(listed.contains(text), "{listed}");
    }
    let commands: Value = serde_json::from_str(&succeeded(host.command(&["run", "operated", "--json"]))).unwrap();
    assert_eq!(commands[0]["name"], "count");
    assert_eq!(
        (&commands[0]["parameters"][0]["required"], &commands[0]["parameters"][1]["default"]),
        (&json!(true), &json!("1"))
    );
}

#[tokio::test]
async fn a_command_runs_to_its_end_and_tells_how_far_it_is() {
    let host = operated().await;
    let ran = host.command(&["run", "operated", "count", "--to", "5", "from=2"]);
    assert!(ran.errors.starts_with("2 of 5 (40 %): numbers\n"), "{}", ran.errors);
    assert!(ran.errors.ends_with("\n5 of 5 (100 %): numbers\n"), "{}", ran.errors);
    assert_eq!(succeeded(ran), "2\n3\n4\n5\nby generations 1\n");

    let ran = host.command(&["run", "operated", "count", "--to=5", "--fail-at", "3"]);
    assert_eq!(ran.output, "1\n2\n");
    failed(&ran, &["3 is too much"]);

    let told = succeeded(host.command(&["run", "operated", "count", "--to", "2", "--json"]));
    let steps: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&steps[0]["outcome"], &steps[1]["outcome"]), (&json!("more"), &json!("done")), "{told}");
    assert_eq!(steps[1]["lines"], json!(["2", "by generations 1"]));
    let ran = host.command(&["run", "operated", "count", "--to", "2", "--fail-at", "1", "--json"]);
    failed(&ran, &["1 is too much"]);
    assert!(ran.output.contains(r#""outcome":"failed","reason":"1 is too much""#), "{}", ran.output);
    for by in [&["--by", "anna"][..], &["--by=anna"]] {
        let arguments: Vec<&str> = ["run", "operated", "whoami"].iter().chain(by).copied().collect();
        assert_eq!(succeeded(host.command(&arguments)), "anna\n");
    }
    until("it is logged", async || host.log().contains("anna runs operated whoami").then_some(())).await;
}

#[tokio::test]
async fn what_can_not_be_run_says_why() {
    let host = Settings::new(Database::Sqlite)
        .component(built("case_operated"))
        .component(built("case_hello"))
        .component(built("case_wasi_http_02"))
        .start()
        .await;
    for (arguments, says) in [
        (&["ghost"][..], &["there is no component \"ghost\""][..]),
        (&["ghost", "count"], &["there is no component \"ghost\""]),
        (&["hello"], &["hello has no commands"]),
        (&["hello", "count"], &["hello has no commands"]),
        (&["wasi-http-02", "count"], &["wasi-http-02 has no commands"]),
        (&["operated", "fly"], &["no command \"fly\"", "datamp run operated"]),
        (&["operated", "../count"], &["../count"]),
        (&["operated", "count"], &["the argument to", "has to be given"]),
        (&["operated", "count", "--to", "ten"], &["the argument to", "invalid digit"]),
        (&["operated", "count", "--to", "1", "--by-ten"], &["the argument by-ten", "it takes to, from, fail-at"]),
        (&["operated", "count", "--to", "1", "to=2"], &["\"to\" is given twice"]),
        (&["operated", "count", "ten"], &["\"ten\" is no argument"]),
        (&["operated", "count", "--to", "1", "--by", ""], &["1 to 100 characters"]),
        (&["operated", "whoami", "a=1"], &["the argument a", "it takes none"]),
        (&["operated", "trap"], &["operated failed"]),
        (&["operated", "hang"], &["no answer within 5 s"]),
        (&["operated", "chatter"], &["2000 lines"]),
        (&["operated", "forget"], &["has to begin again", "another version"]),
    ] {
        let arguments: Vec<&str> = ["run"].into_iter().chain(arguments.iter().copied()).collect();
        failed(&host.command(&arguments), says);
    }
    // Nothing of it harmed anybody.
    assert_eq!(succeeded(host.command(&["run", "operated", "count", "--to", "1"])), "1\nby generations 1\n");
}

#[tokio::test]
async fn a_step_that_can_not_be_done_now_is_asked_for_again_and_then_given_up() {
    let host = operated().await;
    let began = Instant::now();
    failed(&host.command(&["run", "operated", "busy"]), &["operated can't do it now: it is busy"]);
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_control_api_bounds_what_it_takes() {
    let host = operated().await;
    let step = async |body: Value| -> Answer {
        host.control.send(Outgoing::post("/v1/components/operated/commands/count", &body)).await
    };
    step(json!({"by": "anna", "arguments": {"to": "1"}})).await.expect(200);
    for body in [
        json!({"by": "", "arguments": {"to": "1"}}),
        json!({"by": "anna", "arguments": {"to": "1".repeat(200_000)}}),
        json!({"by": "anna", "arguments": {"to": "1"}, "state": "1".repeat(70_000)}),
        json!({"by": "anna", "arguments": (0..40).map(|n| (n.to_string(), n.to_string())).collect::<BTreeMap<_, _>>()}),
    ] {
        step(body).await.expect_problem(422, "invalid-call");
    }
    step(json!({"by": "anna"})).await.expect_problem(422, "invalid-argument");
    step(json!({"by": "anna", "arguments": {"to": "1"}, "state": "{}"})).await.expect_problem(409, "invalid-state");
    let answer = step(json!({"by": "anna", "arguments": {"to": 1}})).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    let path = "/v1/components/operated/commands/count";
    let answer = Outgoing::post(path, &json!({"by": "anna"})).send(host.control.address, PATIENCE).await.unwrap();
    answer.expect_problem(401, "unauthorised");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_goes_on_across_a_swap() {
    let host = operated().await;
    let file = fs::read(built("case_operated")).unwrap();
    let arguments = json!({"to": "20"});
    let (mut state, mut lines, mut swaps) = (Value::Null, Vec::new(), 0);
    loop {
        let body = json!({"by": "anna", "arguments": arguments, "state": state});
        let answer = host.control.send(Outgoing::post("/v1/components/operated/commands/count", &body)).await;
        let step = answer.expect(200).json();
        lines.extend(step["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()));
        if step["outcome"] == "done" {
            break;
        }
        state = step["state"].clone();
        if lines.len() % 7 == 0 {
            swaps += 1;
            host.control.deployed(variant(&file, swaps)).await;
        }
    }
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[20], "by generations 1 2 3");
}

#[tokio::test]
async fn a_setting_that_is_given_at_the_start_holds_from_the_start() {
    let settings = || Settings::new(Database::Sqlite).component(built("case_operated"));
    let host = settings().argument("--set").argument("operated/greeting=Good morning").start().await;
    assert_eq!(host.get("/operated/greeting").await.expect(200).text(), "Good morning");
    let host = host.stop().await.start().await;
    assert_eq!(host.get("/operated/greeting").await.expect(200).text(), "Good morning");
    let host = host.kill().start_without_components().await;
    assert_eq!(host.get("/operated/greeting").await.expect(200).text(), "Good morning");

    let refused = |setting: &str| {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let file = built("case_operated");
        let arguments = ["up", "--data", data, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--grant"];
        let mut command = std::process::Command::new(datamp_tests::host::program());
        command.args(arguments).arg("--component").arg(file).args(["--set", setting]);
        datamp_tests::host::command(&mut command)
    };
    for setting in ["operated/greetings=x", "other/greeting=x"] {
        let ran = refused(setting);
        let name = setting.split('=').next().unwrap();
        assert!(!ran.succeeded && ran.errors.contains(&format!("--set names {name}")), "{ran:?}");
    }
    let ran = refused("greeting=x");
    assert!(!ran.succeeded && ran.errors.contains("COMPONENT/NAME=VALUE"), "{ran:?}");
}

#[tokio::test]
async fn a_key_gets_what_its_quota_allows_and_no_swap_fills_it() {
    let host = operated().await;
    let take = async |key: &str, limit: u32, cost: u32| {
        let path = format!("/operated/take?key={key}&limit={limit}&period=3600&cost={cost}");
        host.get(&path).await.expect(200).json().as_str().unwrap().to_owned()
    };
    assert_eq!(take("a", 3, 2).await, "true 1 -");
    let refused = take("a", 3, 2).await;
    assert!(refused.starts_with("false 1 1"), "{refused}");
    assert_eq!(take("a", 3, 1).await, "true 0 -");
    assert_eq!(take("a", 3, 4).await, "false 0 -");
    assert_eq!(take("b", 3, 3).await, "true 0 -");
    let file = fs::read(built("case_operated")).unwrap();
    host.control.deployed(variant(&file, 1)).await;
    let refused = take("a", 3, 1).await;
    assert!(refused.starts_with("false 0 "), "{refused}");
    let long = "k".repeat(201);
    for query in [
        "key=&limit=1&period=1&cost=1".to_owned(),
        format!("key={long}&limit=1&period=1&cost=1"),
        "key=k&limit=0&period=1&cost=1".to_owned(),
        "key=k&limit=1000001&period=1&cost=1".to_owned(),
        "key=k&limit=1&period=0&cost=1".to_owned(),
        "key=k&limit=1&period=1&cost=0".to_owned(),
    ] {
        host.get(&format!("/operated/take?{query}")).await.expect(422);
    }
}

// Core's own.

/// A ledger with a history: a top-up, payments, and a hold that was released.
async fn with_history(database: Database) -> (Host, Shop) {
    let host = platform(database).await;
    // A minute that ends meanwhile would release the hold before the command does.
    host.control.deployed(core_that_expires_holds("0 0 1 1 *")).await;
    let shop = Shop::with_balance(&host, "anna@example.com", 100_000).await;
    for number in 0..5 {
        shop.pay(&host, &format!("payment-{number}"), 1_000 + number).await.expect(201);
    }
    hold(&host, 700, 1).await;
    assert_eq!(succeeded(host.command(&["run", "core", "expire-holds"])), "expired: 1\n");
    assert_eq!(succeeded(host.command(&["run", "core", "expire-holds"])), "expired: 0\n");
    (host, shop)
}

/// A hold as the code of a release before chains would have made it: of the shop, for advertising, past its time.
async fn hold(host: &Host, amount: i64, number: u32) {
    let (shop, system) = ("kind = 'shop'", "kind = 'revenue'");
    let of = |what: &str, which: &str| format!("(SELECT {what} FROM account WHERE {which})");
    let at = format!("(SELECT MAX(posted_at) + 1 FROM account WHERE {shop} OR {system})");
    host.execute(&format!(
        "INSERT INTO transfer (id, kind, debit_account_id, credit_account_id, amount, currency, code, reference, expires_at, \
         debit_balance, credit_balance, created_at) VALUES ('tr_0000000000000000000000000{number}', 'hold', {}, {}, {amount}, 'RUB', \
         'payment', 'pay_x', 1, {}, {}, {at})",
        of("id", shop),
        of("id", system),
        of("credits_posted - debits_posted", shop),
        of("credits_posted - debits_posted", system),
    ))
    .await;
    let held = format!("SELECT created_at FROM transfer WHERE id = 'tr_0000000000000000000000000{number}'");
    host.execute(&format!(
        "UPDATE account SET debits_pending = debits_pending + {amount}, posted_at = ({held}) WHERE {shop}"
    ))
    .await;
    host.execute(&format!(
        "UPDATE account SET credits_pending = credits_pending + {amount}, posted_at = ({held}) WHERE {system}"
    ))
    .await;
    host.execute(&format!("INSERT INTO open_hold (id, expires_at) VALUES ('tr_0000000000000000000000000{number}', 1)"))
        .await;
}

fn verify(host: &Host) -> Ran {
    host.command(&["run", "core", "verify"])
}

async fn core_verifies_its_ledger(database: Database) {
    let (host, _shop) = with_history(database).await;
    let listed = succeeded(host.command(&["run", "core"]));
    assert!(listed.contains("verify [--account …] [--head …]") && listed.contains("expire-holds"), "{listed}");

    let told = succeeded(verify(&host));
    for text in [
        "accounts: 3\n",
        "entries: 16,",
        "entries without a hash: 2\n",
        "RUB: all accounts together 0, pending 0",
        "\nsound\n",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert!(!told.contains("fault"), "{told}");
    assert_eq!(succeeded(verify(&host)), told, "nothing has changed");

    // One account, with a head that was noted.
    let account = host.text("SELECT id FROM account WHERE kind = 'shop'").await;
    let head = host.text("SELECT chain_head FROM account WHERE kind = 'shop'").await;
    let one = |head: &str| host.command(&["run", "core", "verify", "--account", &account, "--head", head]);
    let told = succeeded(one(&head));
    assert!(told.contains("accounts: 1\nentries: 8,"), "{told}");
    failed(&one(&"0".repeat(64)), &["1 fault"]);
    assert!(one(&"0".repeat(64)).output.contains("fault: head-lost, account"));
    failed(&one("x"), &["the argument head"]);
    let none = host.command(&["run", "core", "verify", "--account", "acc_00000000000000000000000000"]);
    failed(&none, &["there is no account"]);

    // Every tampering is found and named, and what is put right again is sound.
    let payment = host.text("SELECT MAX(id) FROM transfer WHERE code = 'payment' AND kind = 'posted'").await;
    for (tampering, repair, names) in [
        (
            format!("UPDATE transfer SET amount = amount + 1 WHERE id = '{payment}'"),
            format!("UPDATE transfer SET amount = amount - 1 WHERE id = '{payment}'"),
            &["balance-mismatch", &payment][..],
        ),
        (
            format!("UPDATE transfer SET reference = 'pay_y' WHERE id = '{payment}'"),
            format!("UPDATE transfer SET reference = (SELECT id FROM payment WHERE transfer_id = '{payment}') WHERE id = '{payment}'"),
            &["hash-mismatch", &payment],
        ),
        (
            "UPDATE account SET credits_posted = credits_posted + 1 WHERE kind = 'shop'".to_owned(),
            "UPDATE account SET credits_posted = credits_posted - 1 WHERE kind = 'shop'".to_owned(),
            &["totals-mismatch", &account, "sum-not-zero in RUB", "all accounts together 1"],
        ),
        (
            "UPDATE account SET chain_head = NULL WHERE kind = 'provider'".to_owned(),
            "UPDATE account SET chain_head = (SELECT debit_hash FROM transfer WHERE code = 'top-up') WHERE kind = 'provider'".to_owned(),
            &["head-mismatch"],
        ),
        (
            "INSERT INTO open_hold (id, expires_at) VALUES ('tr_00000000000000000000000001', 1)".to_owned(),
            "DELETE FROM open_hold".to_owned(),
            &["hold-still-listed", "tr_00000000000000000000000001"],
        ),
    ] {
        host.execute(&tampering).await;
        let ran = verify(&host);
        failed(&ran, &["the ledger is not sound", "fault"]);
        for name in names {
            assert!(ran.output.contains(name), "{tampering}: {name}: {}", ran.output);
        }
        host.execute(&repair).await;
        succeeded(verify(&host));
    }
    // A transfer that is gone, whoever took it away.
    host.execute(&format!("DELETE FROM payment WHERE transfer_id = '{payment}'")).await;
    host.execute(&format!("DELETE FROM transfer WHERE id = '{payment}'")).await;
    let ran = verify(&host);
    failed(&ran, &["2 faults"]);
    assert!(ran.output.contains("mismatch, account"), "{}", ran.output);
}

#[tokio::test]
async fn core_verifies_its_ledger_on_sqlite() {
    core_verifies_its_ledger(Database::Sqlite).await;
}

#[tokio::test]
async fn core_verifies_its_ledger_on_postgresql() {
    core_verifies_its_ledger(Database::Postgresql).await;
}

async fn the_ledger_is_verified_while_it_is_used(database: Database) {
    let (host, shop) = with_history(database).await;
    let pay = shop.clone();
    let load = datamp_tests::load::Load::start(
        host.public,
        4,
        move |client, number| pay.payment(&format!("load-{client}-{number}"), 1),
        |_, _, answer| datamp_tests::load::expect(answer, 201),
    );
    for _ in 0..5 {
        load.advance(50).await;
        succeeded(verify(&host));
    }
    load.stop().await.assert_flawless(250);
    succeeded(verify(&host));
    ledger::assert_sound(&host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_verified_while_it_is_used_on_sqlite() {
    the_ledger_is_verified_while_it_is_used(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_verified_while_it_is_used_on_postgresql() {
    the_ledger_is_verified_while_it_is_used(Database::Postgresql).await;
}

/// Core's file with a manifest by which holds expire at other times.
fn core_that_expires_holds(cron: &str) -> Vec<u8> {
    let mut file = fs::read(built("datamp_core")).unwrap();
    let (every_minute, what) = ("* * * * *", "Releases holds whose time is over");
    let schedule = |cron: &str, what: &str| format!("cron = \"{cron}\"\ndescription = \"{what}\"");
    // Of the same length, so that nothing moves in the file.
    let shorter = what.len() + every_minute.len() - cron.len();
    let (from, to) = (schedule(every_minute, what), schedule(cron, &what[..shorter]));
    // The linker leaves it in the data as well.
    let is_there = |file: &Vec<u8>| file.windows(from.len()).position(|window| window == from.as_bytes());
    assert!(is_there(&file).is_some(), "core's manifest names the schedule otherwise");
    while let Some(place) = is_there(&file) {
        file[place..place + from.len()].copy_from_slice(to.as_bytes());
    }
    file
}

#[tokio::test]
async fn holds_expire_by_themselves() {
    let host = platform(Database::Sqlite).await;
    host.control.deployed(core_that_expires_holds("* * * * * *")).await;
    let schedules = succeeded(host.command(&["jobs", "schedules"]));
    assert!(schedules.contains("expire-holds") && schedules.contains("* * * * * *"), "{schedules}");
    let shop = Shop::with_balance(&host, "anna@example.com", 100_000).await;
    shop.pay(&host, "payment", 1).await.expect(201);
    hold(&host, 700, 1).await;
    until("the hold expires", async || {
        (host.storage().number(host.data(), "SELECT COUNT(*) FROM open_hold").await == 0).then_some(())
    })
    .await;
    assert_eq!(shop.balance(&host).await, 99_999);
    succeeded(verify(&host));
}

#[tokio::test]
async fn a_shop_is_told_its_rate_and_held_to_it() {
    let settings = platform_settings(Database::Sqlite);
    let settings = settings.argument("--set").argument("core/rate-limit=5");
    let host = settings.argument("--set").argument("core/rate-limit-window=3600").start().await;
    let owner = datamp_tests::shop::Owner::register(&host, "anna@example.com").await;
    let (shop, other) = (owner.create_shop(&host, "One").await, owner.create_shop(&host, "Two").await);
    let ask = async |shop: &Shop, path: &str| host.send(shop.get(path)).await;
    let policy = Some("\"default\";q=5;w=3600");
    let began = Instant::now();
    for left in (1..5).rev() {
        let answer = ask(&shop, "/core/v1/balance").await.expect(200);
        assert_eq!(answer.header("ratelimit-policy"), policy);
        let field = answer.header("ratelimit").unwrap();
        assert!(field.starts_with(&format!("\"default\";r={left};t=")), "{field}");
    }
    // A refusal counts, and is told the same.
    let answer = ask(&shop, "/core/v1/payments/pay_00000000000000000000000000").await.expect(404);
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let refused = ask(&shop, "/core/v1/balance").await;
    refused.expect_problem(429, "rate-limited");
    assert_eq!(refused.header("ratelimit-policy"), policy);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    // One in 720 s; the bucket has filled since the first request.
    assert!(((719 - began.elapsed().as_secs())..=720).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit"), Some(format!("\"default\";r=0;t={wait}").as_str()));
    // It is this key alone that has to wait, and nobody else is told anything.
    let answer = ask(&other, "/core/v1/balance").await.expect(200);
    assert!(answer.header("ratelimit").unwrap().starts_with("\"default\";r=4;"));
    let unknown = host.get("/core/v1/balance").await.expect(401);
    assert_eq!((unknown.header("ratelimit"), unknown.header("ratelimit-policy")), (None, None));
}
