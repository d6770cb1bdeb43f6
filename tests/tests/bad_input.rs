//! Bad input to the shops' API: a table of requests that can't be taken (`tests/bad_input.toml`), each with its exact problem. And
//! nothing changes in the database.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use datamp_tests::{
    case::Database,
    component::repository,
    host::Host,
    http::{Answer, Outgoing},
    shop::{Shop, callback, core_alone, signature, text},
    storage::Reader,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// `tests/bad_input.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The title of each problem, which is the same every time.
    titles: BTreeMap<String, String>,
    /// Good bodies, of which cases change a part.
    bodies: BTreeMap<String, String>,
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

/// A request that can't be taken.
///
/// In path, headers and body `{shop.payment}` and the like stand for what [`Scene`] has, and `{300 x}` for `x` 300 times.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    about: String,
    /// Method and path.
    request: String,
    /// One of the good bodies …
    body: Option<String>,
    /// … with each of these parts replaced by another.
    #[serde(default)]
    replace: Vec<(String, String)>,
    /// Or this very body.
    send: Option<String>,
    /// Or these bytes, in hex.
    send_hex: Option<String>,
    /// Header fields, in place of those that a good request has: a key, and for a POST a content type and an idempotency key.
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
    /// Signs the body as the sandbox provider does, so many seconds from now.
    sign: Option<i64>,
    /// With another secret than the provider's.
    secret: Option<String>,
    status: u16,
    /// What the problem's `type` ends with.
    problem: String,
    detail: Option<String>,
    /// What is said of each field at fault.
    #[serde(default)]
    errors: BTreeMap<String, String>,
    /// Members of the problem's own.
    #[serde(default)]
    members: Map<String, Value>,
    /// Header fields of the answer.
    #[serde(default)]
    answer_headers: BTreeMap<String, String>,
    /// Whether it is a refusal, which is kept for its idempotency key: then that is all that changes.
    #[serde(default)]
    kept: bool,
}

/// The header fields that a good request has.
const DEFAULTS: [(&str, &str, bool); 3] = [
    ("authorization", "Bearer {shop.key}", false),
    ("content-type", "application/json", true),
    ("idempotency-key", "{case}", true),
];

#[tokio::test]
async fn bad_input_is_refused_by_name_and_changes_nothing_on_sqlite() {
    bad_input_is_refused(Database::Sqlite).await;
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_changes_nothing_on_postgresql() {
    bad_input_is_refused(Database::Postgresql).await;
}

async fn bad_input_is_refused(database: Database) {
    let table: Table = toml::from_str(&fs::read_to_string(repository().join("tests/bad_input.toml")).unwrap()).unwrap();
    assert!(table.cases.len() >= 60);
    let mut host = core_alone(database).start().await;
    let scene = Scene::new(&host).await;
    let mut tables = Tables::of_core(&host).await;
    let mut wrong = Vec::new();
    let mut before = tables.read().await;
    for (number, case) in table.cases.iter().enumerate() {
        let scene = scene.with("case", format!("bad-input-{number}"));
        let answer = host.send(request(case, &table, &scene)).await;
        let after = tables.read().await;
        let told = differences(case, &table, &answer).into_iter().chain(changes(case, &before, &after));
        wrong.extend(told.map(|what| format!("{} ({}): {what}", case.about, case.request)));
        before = after;
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), table.cases.len(), wrong.join("\n\n"));
    tables.reader.close().await;

    // What can be taken still is.
    scene.shop.pay(&host, "a good one", 1_000).await.expect(201);
    host.assert_well().await;
}

#[test]
fn no_two_cases_are_the_same() {
    let table: Table = toml::from_str(&fs::read_to_string(repository().join("tests/bad_input.toml")).unwrap()).unwrap();
    let mut seen = BTreeSet::new();
    for case in &table.cases {
        assert!(seen.insert(&case.about), "two cases are about {:?}", case.about);
    }
    // No title is kept for a problem that no case has.
    let told: BTreeSet<_> = table.cases.iter().map(|case| &case.problem).collect();
    assert_eq!(told, table.titles.keys().collect());
}

/// What there is before anything goes wrong, by the names that the table has for it.
struct Scene {
    shop: Shop,
    secret: String,
    names: BTreeMap<String, String>,
}

impl Scene {
    /// Two shops with money, a payment, a held one and a top-up each, and keys of which one was revoked.
    async fn new(host: &Host) -> Self {
        let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
        let mut names = BTreeMap::new();
        let mut shops = Vec::new();
        for name in ["shop", "other"] {
            let shop = Shop::seeded(host).await;
            shop.fund(host, &secret, "the first", 1_000_000).await;
            let payment = shop.pay(host, "the first payment", 150).await.expect(201).json();
            let held = json!({"amount": 100, "currency": "RUB", "description": "Ads", "capture": "manual"});
            let held = host.send(shop.post("/core/v1/payments", "the hold", &held)).await.expect(201).json();
            let top_up = shop.top_up(host, "the second", 100).await.expect(201).json();
            let keys = host.send(shop.get("/core/v1/api-keys")).await.expect(200).json();
            let of_shop = [
                ("key", shop.key.clone()),
                ("payment", text(&payment["id"])),
                ("held", text(&held["id"])),
                ("top-up", text(&top_up["id"])),
                ("api-key", text(&keys["data"][0]["id"])),
            ];
            names.extend(of_shop.map(|(what, value)| (format!("{name}.{what}"), value)));
            shops.push(shop);
        }
        let shop = shops.remove(0);
        let new =
            host.send(shop.post("/core/v1/api-keys", "a key", &json!({"name": "another"}))).await.expect(201).json();
        let revoke = Outgoing::new("DELETE", &format!("/core/v1/api-keys/{}", text(&new["id"])));
        host.send(revoke.bearer(&shop.key)).await.expect(200);
        names.insert("revoked.key".to_owned(), text(&new["secret"]));
        // An event that came, for another top-up to come with its id.
        let top_up = shop.top_up(host, "the third", 100).await.expect(201).json();
        host.send(callback(&secret, "evt_known", &top_up)).await.expect(200);
        Self { shop, secret, names }
    }

    fn with(&self, name: &str, value: String) -> Self {
        let mut names = self.names.clone();
        names.insert(name.to_owned(), value);
        Self { shop: self.shop.clone(), secret: self.secret.clone(), names }
    }

    /// A text of the table with what stands in braces put in.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let put_in = after.split_once('}').and_then(|(name, after)| Some((self.meaning(name)?, after)));
            match put_in {
                Some((value, after)) => {
                    filled.push_str(&value);
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled + rest
    }

    fn meaning(&self, name: &str) -> Option<String> {
        let repeated = || {
            let (times, text) = name.split_once(' ')?;
            Some(text.repeat(times.parse().ok()?))
        };
        self.names.get(name).cloned().or_else(repeated)
    }
}

fn request(case: &Case, table: &Table, scene: &Scene) -> Outgoing {
    let (method, path) = case.request.split_once(' ').unwrap();
    let body = body(case, table, scene);
    let mut request = Outgoing::new(method, &scene.fill(path));
    for (name, value, of_posts) in DEFAULTS {
        if !case.headers.contains_key(name) && (method == "POST" || !of_posts) {
            request = request.header(name, &scene.fill(value));
        }
    }
    for (name, values) in &case.headers {
        for value in values {
            request = request.header(name, &scene.fill(value));
        }
    }
    if let Some(seconds) = case.sign {
        let secret = case.secret.as_ref().unwrap_or(&scene.secret);
        request = request.header("sandbox-signature", &signature(secret, seconds, &body));
    }
    request.body(body)
}

fn body(case: &Case, table: &Table, scene: &Scene) -> Vec<u8> {
    if let Some(bytes) = &case.send_hex {
        return hex::decode(bytes).unwrap();
    }
    let mut body = case.send.clone().unwrap_or_default();
    if let Some(name) = &case.body {
        body.clone_from(&table.bodies[name]);
    }
    for (part, other) in &case.replace {
        assert!(body.contains(part), "{}: no {part:?} in {body}", case.about);
        body = body.replacen(part, other, 1);
    }
    scene.fill(&body).into_bytes()
}

/// In what an answer is not the one that the table has.
fn differences(case: &Case, table: &Table, answer: &Answer) -> Vec<String> {
    let mut differences = Vec::new();
    let mut expected = json!({
        "type": format!("https://datamp.dev/problems/{}", case.problem),
        "title": table.titles.get(&case.problem),
        "status": case.status,
        "request_id": answer.header("x-request-id"),
    });
    let errors: Vec<_> = case.errors.iter().map(|(field, detail)| json!({"field": field, "detail": detail})).collect();
    let members = expected.as_object_mut().unwrap();
    members.extend(case.detail.iter().map(|detail| ("detail".to_owned(), json!(detail))));
    if !errors.is_empty() {
        members.insert("errors".to_owned(), json!(errors));
    }
    members.extend(case.members.clone());
    if answer.json() != expected {
        differences.push(format!("answered {}\nexpected {expected}", answer.text()));
    }
    if answer.status != case.status {
        differences.push(format!("answered {} and not {}", answer.status, case.status));
    }
    let mut headers = case.answer_headers.clone();
    headers.insert("content-type".to_owned(), "application/problem+json".to_owned());
    for (name, value) in headers {
        if answer.header(&name) != Some(&value) {
            differences.push(format!("{name} is {:?} and not {value:?}", answer.header(&name)));
        }
    }
    differences
}

/// What the tables of core hold, read from the database itself.
struct Tables {
    reader: Reader,
    columns: BTreeMap<String, Vec<String>>,
}

/// The rows of each table.
type Contents = BTreeMap<String, BTreeSet<String>>;

impl Tables {
    /// All that core's manifest names.
    async fn of_core(host: &Host) -> Self {
        let manifest = fs::read_to_string(repository().join("components/core/component.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let mut reader = host.storage().reader(host.data()).await;
        let mut columns = BTreeMap::new();
        for table in manifest["database"]["tables"].as_table().unwrap().keys() {
            let mut of_table = reader.columns(table).await;
            // That a key was used is noted, whatever it was used for.
            of_table.retain(|column| column != "last_used_at");
            columns.insert(table.clone(), of_table);
        }
        assert!(columns.len() >= 9);
        Self { reader, columns }
    }

    async fn read(&mut self) -> Contents {
        let mut contents = BTreeMap::new();
        for (table, columns) in &self.columns {
            let rows = self.reader.rows(table, columns).await;
            contents.insert(table.clone(), rows.iter().map(Value::to_string).collect());
        }
        contents
    }
}

/// What has changed and was not to.
fn changes(case: &Case, before: &Contents, after: &Contents) -> Vec<String> {
    let mut changes = Vec::new();
    let mut kept = 0;
    for (table, rows) in after {
        for row in rows.symmetric_difference(&before[table]) {
            if case.kept && table == "idempotency" {
                kept += 1;
            } else {
                changes.push(format!("a row of {table} came, went or changed: {row}"));
            }
        }
    }
    if kept != usize::from(case.kept) {
        changes.push(format!("{kept} refusals were kept"));
    }
    changes
}
