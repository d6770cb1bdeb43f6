//! What staff do to shops and their money by hand, in the panel: one asks, another approves, and the ledger stays sound.

use std::fs;

use datamp_tests::{
    case::Database,
    component::{built, repository, variant},
    host::Host,
    http::{Answer, PATIENCE},
    ledger,
    panel::{Form, Member, between},
    shop::{Shop, platform},
    wait::until,
};
use serde_json::Value;

/// Core's default threshold is 10,000 roubles.
const LARGE: &str = "10000.01";

const REASON: &str = "a customer's complaint";

struct Office {
    host: Host,
    shop: Shop,
    admin: Member,
    anna: Member,
    boris: Member,
}

impl Office {
    /// A shop that owns 1,500 roubles, an administrator and two managers.
    async fn open(database: Database) -> Self {
        let host = platform(database).await;
        let shop = Shop::with_balance(&host, "anna@example.com", 150_000).await;
        let admin = Member::first(&host).await;
        let anna = admin.add(&host, "anna", "manager").await;
        let boris = admin.add(&host, "boris", "manager").await;
        Self { host, shop, admin, anna, boris }
    }

    fn form_of(&self, kind: &str) -> String {
        format!("/admin/shops/{}/operations/{kind}", self.shop.id)
    }

    async fn form(&self, member: &Member, kind: &str, fields: &[(&str, &str)]) -> Form {
        let usual = [("currency", "RUB"), ("reason", REASON)];
        // What is given later is what counts.
        let mut all: Vec<(&str, &str)> = Vec::new();
        for (name, value) in usual.iter().chain(fields) {
            all.retain(|(known, _)| known != name);
            all.push((*name, *value));
        }
        let fields = all;
        member.form(&self.host, &self.form_of(kind), &fields).await
    }

    /// Asks for an operation on the shop, and answers where it is.
    async fn ask(&self, member: &Member, kind: &str, fields: &[(&str, &str)]) -> String {
        let form = self.form(member, kind, fields).await;
        location(&form.send(&self.host, &self.form_of(kind)).await.expect(303))
    }

    async fn adjust(&self, member: &Member, direction: &str, amount: &str) -> String {
        self.ask(member, "adjust", &[("direction", direction), ("amount", amount)]).await
    }

    async fn decision(&self, member: &Member, operation: &str, verdict: &str, comment: &str) -> Form {
        member.form(&self.host, operation, &[("verdict", verdict), ("comment", comment)]).await
    }

    async fn decide(&self, member: &Member, operation: &str, verdict: &str, comment: &str) -> Answer {
        let form = self.decision(member, operation, verdict, comment).await;
        form.send(&self.host, &format!("{operation}/decision")).await
    }

    async fn status(&self, operation: &str) -> String {
        let page = self.admin.get(&self.host, operation).await.expect(200).text();
        between(&page, "data-status=\"operation.status.", "\"")
    }

    async fn waiting(&self, member: &Member) -> String {
        member.get(&self.host, "/admin/parts/approvals").await.expect(200).text()
    }

    async fn statement(&self) -> Vec<Value> {
        let page = self.host.send(self.shop.get("/core/v1/statement?limit=100")).await.expect(200).json();
        page["data"].as_array().unwrap().clone()
    }

    async fn balance(&self) -> i64 {
        self.shop.balance(&self.host).await
    }
}

fn location(answer: &Answer) -> String {
    answer.header("location").unwrap().to_owned()
}

#[tokio::test]
async fn staff_correct_balances_two_at_a_time_on_sqlite() {
    corrections(Database::Sqlite).await;
}

#[tokio::test]
async fn staff_correct_balances_two_at_a_time_on_postgresql() {
    corrections(Database::Postgresql).await;
}

async fn corrections(database: Database) {
    let office = Office::open(database).await;
    let (host, shop) = (&office.host, &office.shop);

    // What is small is done at once, and once, however often the form is sent. The shop sees it.
    let form = office.form(&office.anna, "adjust", &[("direction", "incoming"), ("amount", "500")]).await;
    let operation = location(&form.send(host, &office.form_of("adjust")).await.expect(303));
    assert_eq!(location(&form.send(host, &office.form_of("adjust")).await.expect(303)), operation);
    assert_eq!((office.status(&operation).await.as_str(), office.balance().await), ("executed", 200_000));
    let entry = office.statement().await[0].clone();
    assert_eq!(
        (&entry["code"], &entry["amount"], &entry["direction"]),
        (&"adjustment".into(), &50_000.into(), &"incoming".into())
    );
    assert_eq!(entry["reference"].as_str(), operation.rsplit('/').next());

    // What is wrong with a form is told, and nothing is done.
    for wrong in [("reason", "too short"), ("amount", "0"), ("amount", "1,500.00"), ("currency", "USD")] {
        let form = office.form(&office.anna, "adjust", &[("amount", "1"), ("direction", "incoming"), wrong]).await;
        form.send(host, &office.form_of("adjust")).await.expect(422);
    }

    // What is large waits. Who asked for it can't approve it, also by a form of their own making.
    let large = office.adjust(&office.anna, "incoming", LARGE).await;
    assert_eq!((office.status(&large).await.as_str(), office.balance().await), ("requested", 200_000));
    assert_eq!([office.waiting(&office.anna).await, office.waiting(&office.boris).await], ["0", "1"]);
    office.decide(&office.anna, &large, "approve", "").await.expect(403);
    office.decide(&office.boris, &large, "reject", "").await.expect(422);
    assert_eq!((office.status(&large).await.as_str(), office.balance().await), ("requested", 200_000));

    // Of two who approve at the same time, one does.
    let mut approvals = tokio::task::JoinSet::new();
    for member in [&office.boris, &office.admin] {
        let form = office.decision(member, &large, "approve", "checked").await;
        approvals.spawn(form.request(&format!("{large}/decision")).send(host.public, PATIENCE));
    }
    let mut statuses: Vec<u16> = Vec::new();
    while let Some(answer) = approvals.join_next().await {
        statuses.push(answer.unwrap().unwrap().status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    assert_eq!((office.status(&large).await.as_str(), office.balance().await), ("executed", 1_200_001));

    // What one person did alone today counts: 500 roubles were.
    let half = office.adjust(&office.anna, "outgoing", "9500.01").await;
    assert_eq!(office.status(&half).await, "requested");
    // Who asked may take it back; then it is over.
    office.decide(&office.anna, &half, "reject", "a mistake of mine").await.expect(303);
    assert_eq!(office.status(&half).await, "rejected");
    let again = office.decision(&office.boris, &large, "approve", "").await;
    again.send(host, &format!("{half}/decision")).await.expect(409);

    // What the ledger refuses is told, and has changed nothing.
    let too_much = office.adjust(&office.boris, "outgoing", "12000.02").await;
    office.decide(&office.anna, &too_much, "approve", "").await.expect(303);
    assert_eq!((office.status(&too_much).await.as_str(), office.balance().await), ("refused", 1_200_001));
    let page = office.anna.get(host, &too_much).await.expect(200).text();
    assert!(page.contains("There is not that much available."), "{page}");

    // A payment goes back in part, and then what is left of it.
    shop.pay(host, "order-1", 49_900).await.expect(201);
    let payments = office.admin.get(host, &format!("/admin/shops/{}", shop.id)).await.expect(200).text();
    let transfer = between(&payments, "data-transfer=\"", "\"");
    let path = format!("/admin/transfers/{transfer}/reverse");
    let part = office.boris.submit(host, &path, &path, &[("amount", "100"), ("reason", REASON)]).await.expect(303);
    assert_eq!(office.status(&location(&part)).await, "executed");
    office.boris.submit(host, &path, &path, &[("amount", "399.01"), ("reason", REASON)]).await.expect(422);
    office.boris.submit(host, &path, &path, &[("amount", "399"), ("reason", REASON)]).await.expect(303);
    assert_eq!(office.balance().await, 1_200_001);
    assert_eq!(office.statement().await[0]["code"], "reversal");

    let counts = [("requested", 6), ("approved", 2), ("executed", 4), ("rejected", 1), ("refused", 1), ("expired", 0)];
    for (step, count) in counts {
        assert_eq!(ledger::steps(host, step).await, count, "{step}");
    }
    ledger::assert_sound(host).await;
}

#[tokio::test]
async fn staff_freeze_write_off_and_close_a_shop_on_sqlite() {
    the_end_of_a_shop(Database::Sqlite).await;
}

#[tokio::test]
async fn staff_freeze_write_off_and_close_a_shop_on_postgresql() {
    the_end_of_a_shop(Database::Postgresql).await;
}

async fn the_end_of_a_shop(database: Database) {
    let office = Office::open(database).await;
    let (host, shop) = (&office.host, &office.shop);

    // Support looks and does nothing.
    let sam = office.admin.add(host, "sam", "support").await;
    for path in ["/admin/operations", "/admin/operations?status=executed", "/admin/approvals"] {
        sam.get(host, path).await.expect(200);
    }
    sam.get(host, &office.form_of("adjust")).await.expect(403);
    let stolen = sam.form(host, "/admin/operations", &[("reason", REASON)]).await;
    stolen.send(host, &office.form_of("freeze")).await.expect(403);

    // A frozen shop does not spend, and is frozen once.
    let form = office.form(&office.anna, "freeze", &[]).await;
    let frozen = location(&form.send(host, &office.form_of("freeze")).await.expect(303));
    assert_eq!(location(&form.send(host, &office.form_of("freeze")).await.expect(303)), frozen);
    assert_eq!(office.status(&frozen).await, "executed");
    shop.pay(host, "order-1", 100).await.expect_problem(403, "shop-frozen");
    office.anna.get(host, &office.form_of("freeze")).await.expect(409);
    let debit = office.adjust(&office.boris, "outgoing", "1").await;
    assert_eq!(office.status(&debit).await, "refused", "nor is a frozen shop debited by hand");
    office.ask(&office.boris, "unfreeze", &[]).await;
    shop.pay(host, "order-2", 100).await.expect(201);

    // A shop that owns something is not closed, whoever approves.
    let early = office.ask(&office.anna, "close", &[]).await;
    assert_eq!(office.status(&early).await, "requested");
    office.decide(&office.boris, &early, "approve", "").await.expect(303);
    assert_eq!(office.status(&early).await, "refused");
    let page = office.anna.get(host, &early).await.expect(200).text();
    assert!(page.contains("The shop still owns something."), "{page}");

    // Writing off waits for a second person even where it is small; then the shop closes.
    let write_off = office.ask(&office.anna, "write-off", &[("amount", "1499.00")]).await;
    assert_eq!((office.status(&write_off).await.as_str(), office.balance().await), ("requested", 149_900));
    office.decide(&office.boris, &write_off, "approve", "nobody answered for a year").await.expect(303);
    assert_eq!((office.status(&write_off).await.as_str(), office.balance().await), ("executed", 0));
    assert_eq!(office.statement().await[0]["code"], "write-off");
    let close = office.ask(&office.boris, "close", &[]).await;
    office.decide(&office.anna, &close, "approve", "").await.expect(303);
    assert_eq!(office.status(&close).await, "executed");
    shop.pay(host, "order-3", 100).await.expect_problem(403, "shop-closed");
    office.anna.get(host, &office.form_of("adjust")).await.expect(409);

    // What changed is in the history.
    let page = sam.get(host, &close).await.expect(200).text();
    for part in [
        "data-step=\"operation.requested\"",
        "data-step=\"operation.approved\"",
        "<del>Active</del>",
        "<ins>Closed</ins>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("/decision"));
    ledger::assert_sound(host).await;
}

#[tokio::test]
async fn what_nobody_decides_in_time_expires() {
    let office = Office::open(Database::Sqlite).await;
    let host = &office.host;
    assert!(host.command(&["set", "core", "approval-lifetime", "1"]).succeeded);
    // A setting counts from the next activation on.
    host.control.deployed(variant(&fs::read(built("datamp_core")).unwrap(), 2)).await;
    let operation = office.adjust(&office.anna, "incoming", LARGE).await;
    until("it expires", async || (office.status(&operation).await == "expired").then_some(())).await;
    // By a form that was made for another operation: this one's page offers none.
    let form = office.decision(&office.boris, "/admin/operations", "approve", "").await;
    form.send(host, &format!("{operation}/decision")).await.expect(409);
    assert_eq!((office.balance().await, ledger::steps(host, "expired").await), (150_000, 1));
    assert_eq!(office.waiting(&office.boris).await, "0");
    ledger::assert_sound(host).await;
}

/// The table itself refuses what the code above it must never write.
#[tokio::test]
async fn the_table_of_operations_takes_nothing_that_one_person_did_alone() {
    use sqlx::{AnyConnection, Connection as _};
    sqlx::any::install_default_drivers();
    let url = datamp_test_postgres::Cluster::shared().database();
    for url in ["sqlite::memory:", &url] {
        let mut connection = AnyConnection::connect(url).await.unwrap();
        for name in ["0001_core", "0005_ledger", "0008_operations"] {
            let file = repository().join(format!("models/migrations/{name}.sql"));
            let text = fs::read_to_string(file).unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        }
        let shop = "INSERT INTO shop (id, name, search_name, status, currency, created_at) VALUES ('s', 's', 's', 'active', 'RUB', 0)";
        sqlx::query(shop).execute(&mut connection).await.unwrap();
        // kind, reason, status, requested_by, expires_at, decided_by, resolved_at, refusal
        let good = "'close', 'a good reason', 'executed', 'a', 9, 'b', 1, NULL";
        for (values, fits) in [
            (good.to_owned(), true),
            (good.replace("'b'", "'a'"), false),
            (good.replace("9, 'b'", "NULL, NULL"), false),
            (good.replace("9, 'b'", "9, NULL"), false),
            (good.replace("'close'", "'freeze'").replace("9, 'b'", "NULL, NULL"), true),
            (good.replace("'executed'", "'rejected'").replace("'b'", "'a'"), true),
            (good.replace("'executed'", "'approved'"), false),
            (good.replace("'executed'", "'requested'"), false),
            (good.replace("'executed'", "'requested'").replace("'b', 1", "NULL, NULL"), true),
            (good.replace("'executed'", "'refused'"), false),
            (good.replace("'executed'", "'refused'").replace("1, NULL", "1, 'shop-closed'"), true),
            (good.replace("a good reason", "short"), false),
            (good.replace("'close'", "'write-off'"), false),
        ] {
            let statement = format!(
                "INSERT INTO operation (id, shop_id, requested_at, requested_by_name, decided_by_name, kind, reason, status, \
                 requested_by, expires_at, decided_by, resolved_at, refusal) SELECT 'o', 's', 0, 'n', \
                 CASE WHEN r.decided_by IS NULL THEN NULL ELSE 'n' END, r.kind, r.reason, r.status, r.requested_by, \
                 r.expires_at, r.decided_by, r.resolved_at, r.refusal FROM (SELECT {}) AS r",
                named(&values)
            );
            let written = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
            assert_eq!(written.is_ok(), fits, "{values}: {written:?}");
            sqlx::query("DELETE FROM operation").execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    }
}

/// Values with the names and types of their columns.
fn named(values: &str) -> String {
    let columns = [
        ("kind", "TEXT"),
        ("reason", "TEXT"),
        ("status", "TEXT"),
        ("requested_by", "TEXT"),
        ("expires_at", "BIGINT"),
        ("decided_by", "TEXT"),
        ("resolved_at", "BIGINT"),
        ("refusal", "TEXT"),
    ];
    let values: Vec<&str> = values.split(", ").collect();
    assert_eq!(values.len(), columns.len());
    let cast = |(value, (name, kind)): (&&str, &(&str, &str))| format!("CAST({value} AS {kind}) AS {name}");
    values.iter().zip(&columns).map(cast).collect::<Vec<_>>().join(", ")
}
