//! Values there and back.

use proptest::{prelude::*, strategy::ValueTree as _};

use super::world::{Run as _, World, same, text};
use crate::capabilities::database::sql::{Error, Value};

const KINDS: &str =
    "CREATE TABLE kind (id BIGINT PRIMARY KEY, b BOOLEAN, i BIGINT, r DOUBLE PRECISION, t TEXT, y BLOB)";

async fn with_kinds(world: World) -> World {
    let postgresql = KINDS.replace("BLOB", "BYTEA");
    let section = serde_json::json!({"set": "kinds", "migrations": [{"number": 1, "name": "kinds", "sqlite": KINDS, "postgresql": postgresql}]});
    let set = crate::capabilities::database::MigrationSet::parse(section.to_string().as_bytes()).unwrap();
    world.database.migrate(&set).await.unwrap();
    world
}

fn nullable(strategy: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 5 => strategy].boxed()
}

/// A row of `kind`, without its id.
fn row() -> impl Strategy<Value = Vec<Value>> {
    // PostgreSQL has no NUL in a text.
    let texts = any::<String>().prop_map(|text| Value::Text(text.replace('\0', "")));
    let finite = any::<f64>().prop_filter("SQLite has no NaN", |number| !number.is_nan());
    (
        nullable(any::<bool>().prop_map(Value::Boolean)),
        nullable(any::<i64>().prop_map(Value::Integer)),
        nullable(finite.prop_map(Value::Real)),
        nullable(texts),
        nullable(any::<Vec<u8>>().prop_map(Value::Blob)),
    )
        .prop_map(|(b, i, r, t, y)| vec![b, i, r, t, y])
}

both! {
    async fn what_is_put_in_comes_back(world: World) {
        let world = with_kinds(world).await;
        let mut component = world.component("a", &[("kind", "select insert")]).await;
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 1, ..ProptestConfig::default() });
        for id in 0..200_i64 {
            let values = row().new_tree(&mut runner).unwrap().current();
            let mut parameters = vec![Value::Integer(id)];
            parameters.extend(values.iter().cloned());
            let insert = "INSERT INTO kind (id, b, i, r, t, y) VALUES ($1, $2, $3, $4, $5, $6)";
            assert_eq!(component.changes(insert, parameters.clone()).await.unwrap(), 1);
            let answer = component.rows("SELECT b, i, r, t, y FROM kind WHERE id = $1", vec![Value::Integer(id)]).await.unwrap();
            assert_eq!(answer.columns, ["b", "i", "r", "t", "y"]);
            for (given, got) in values.iter().zip(&answer.rows[0]) {
                // SQLite keeps no sign of a zero.
                let zero = matches!((given, got), (Value::Real(a), Value::Real(b)) if *a == 0.0 && *b == 0.0);
                assert!(zero || same(given, got), "{given:?} came back as {got:?}");
            }
        }
    }

    async fn a_statement_may_be_run_with_other_types_each_time(world: World) {
        let world = with_kinds(world).await;
        let mut component = world.component("a", &[("kind", "select insert update")]).await;
        // The same text: what the first parameters were must not decide how the next are read.
        for (given, back) in [
            (Value::Integer(5), Value::Integer(5)),
            (text("abcdefgh"), text("abcdefgh")),
            (Value::Real(1.5), Value::Real(1.5)),
            (Value::Integer(6), Value::Integer(6)),
        ] {
            let answer = component.rows("SELECT $1 AS x", vec![given]).await.unwrap();
            assert!(same(&answer.rows[0][0], &back), "{answer:?}");
        }
        for (id, i) in [(1, Value::Null), (2, Value::Integer(7)), (3, Value::Null), (4, Value::Integer(i64::MIN))] {
            let parameters = vec![Value::Integer(id), i.clone()];
            component.changes("INSERT INTO kind (id, i) VALUES ($1, $2)", parameters).await.unwrap();
            let answer = component.rows("SELECT i FROM kind WHERE id = $1", vec![Value::Integer(id)]).await.unwrap();
            assert!(same(&answer.rows[0][0], &i));
        }
        // A NULL goes into any column.
        let nulls = "UPDATE kind SET b = $1, i = $2, r = $3, t = $4, y = $5 WHERE id = $6";
        let mut parameters = vec![Value::Null; 5];
        parameters.push(Value::Integer(2));
        assert_eq!(component.changes(nulls, parameters).await.unwrap(), 1);
    }

    async fn arrays_are_parameters(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        let (texts, integers) = if world.is_sqlite() {
            ("SELECT id FROM item WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id", "SELECT sum(value) FROM json_each($1)")
        } else {
            ("SELECT id FROM item WHERE id = ANY ($1) ORDER BY id", "SELECT CAST(sum(x) AS BIGINT) FROM unnest($1) AS x")
        };
        let ids = ["2", "1", "\"'\\", ""].map(str::to_owned).to_vec();
        let answer = component.rows(texts, vec![Value::Texts(ids)]).await.unwrap();
        assert!(same(&answer.rows[0][0], &text("1")) && same(&answer.rows[1][0], &text("2")) && answer.rows.len() == 2);
        let answer = component.rows(integers, vec![Value::Integers(vec![1, 2, i64::from(u32::MAX)])]).await.unwrap();
        assert!(same(&answer.rows[0][0], &Value::Integer(i64::from(u32::MAX) + 3)), "{answer:?}");
        assert!(component.rows(texts, vec![Value::Texts(Vec::new())]).await.unwrap().rows.is_empty());
    }

    async fn columns_are_named_also_where_there_is_no_row(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select insert")]).await;
        for id in ["1", "0"] {
            let answer = component.rows("SELECT id, name AS called, level FROM item WHERE id = $1", vec![text(id)]).await.unwrap();
            assert_eq!(answer.columns, ["id", "called", "level"]);
        }
        let answer = component.rows("INSERT INTO item (id, name) VALUES ('9', 'x')", Vec::new()).await.unwrap();
        assert!(answer.columns.is_empty() && answer.rows.is_empty());
        let answer = component.rows("INSERT INTO item (id, name) VALUES ('8', 'y') RETURNING id, level", Vec::new()).await.unwrap();
        assert_eq!(answer.columns, ["id", "level"]);
        assert!(same(&answer.rows[0][1], &Value::Integer(0)));
    }

    async fn execute_counts_changed_rows_and_nothing_else(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select insert update delete")]).await;
        for (statement, count) in [
            ("UPDATE item SET level = level + 1", 2),
            ("SELECT id FROM item", 0),
            ("VALUES (1), (2), (3)", 0),
            ("INSERT INTO item (id, name) VALUES ('3', 'three'), ('4', 'four'), ('5', 'five') RETURNING id", 3),
            ("INSERT INTO item (id, name) VALUES ('3', 'three') ON CONFLICT DO NOTHING", 0),
            ("UPDATE item SET level = 1 WHERE id = 'none'", 0),
            ("WITH few AS (SELECT id FROM item WHERE id > '3') DELETE FROM item WHERE id IN (SELECT id FROM few)", 2),
        ] {
            assert_eq!(component.changes(statement, Vec::new()).await.unwrap(), count, "{statement}");
        }
    }

    async fn constraints_have_their_names(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select insert"), ("transfer", "select insert")]).await;
        let sqlite = world.is_sqlite();
        let mut fails = async |statement: &str| component.changes(statement, Vec::new()).await.unwrap_err();
        match fails("INSERT INTO item (id, name) VALUES ('9', 'one')").await {
            Error::UniqueViolation(name) => assert_eq!(name, if sqlite { "item.name" } else { "item_name" }),
            other => panic!("{other:?}"),
        }
        match fails("INSERT INTO item (id, name) VALUES ('1', 'x')").await {
            Error::UniqueViolation(name) => assert_eq!(name, if sqlite { "item.id" } else { "item_pkey" }),
            other => panic!("{other:?}"),
        }
        match fails("INSERT INTO item (id, name, level) VALUES ('9', 'x', -1)").await {
            Error::CheckViolation(name) => assert_eq!(name, "not_negative"),
            other => panic!("{other:?}"),
        }
        match fails("INSERT INTO item (id) VALUES ('9')").await {
            Error::NotNullViolation(name) => assert_eq!(name, "name"),
            other => panic!("{other:?}"),
        }
        match fails("INSERT INTO transfer (id, item_id, amount) VALUES ('1', 'none', 1)").await {
            Error::ForeignKeyViolation(name) => assert_eq!(name, if sqlite { "" } else { "of_item" }),
            other => panic!("{other:?}"),
        }
    }

    async fn what_can_not_be_run_is_invalid(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        for (statement, parameters) in [
            ("SELEC 1", vec![]),
            ("SELECT FROM WHERE", vec![]),
            ("SELECT nothing FROM item", vec![]),
            ("SELECT * FROM no_such_table", vec![]),
            ("SELECT $1", vec![]),
            ("SELECT $1", vec![Value::Integer(1), Value::Integer(2)]),
            ("SELECT 1; SELECT 2", vec![]),
            ("SELECT no_such_function(1)", vec![]),
            ("", vec![]),
        ] {
            let answer = component.rows(statement, parameters).await;
            // SQLite asks for the right before it looks for the table.
            assert!(matches!(answer, Err(Error::InvalidStatement(_))), "{statement}: {answer:?}");
        }
        // And the connection serves on.
        assert_eq!(component.integer("SELECT 1").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_types_are_those_of_the_contract() {
    let world = World::postgresql().await.with_tables().await;
    let mut component = world.component("a", &[("item", "select")]).await;
    let uuid = "0197a6a4-7c3e-7000-8000-000000000001";
    for (expression, expected) in [
        ("true", Value::Boolean(true)),
        ("(-7)::int2", Value::Integer(-7)),
        ("(-7)::int4", Value::Integer(-7)),
        ("9223372036854775807", Value::Integer(i64::MAX)),
        ("1.5::float4", Value::Real(1.5)),
        ("1.5::float8", Value::Real(1.5)),
        ("'a'::varchar(3)", text("a")),
        ("'a'::char(3)", text("a  ")),
        ("'a'::name", text("a")),
        ("'a'", text("a")),
        ("'{\"a\":1}'::json", text("{\"a\":1}")),
        ("'{\"a\":  1}'::jsonb", text("{\"a\": 1}")),
        ("'0197a6a4-7c3e-7000-8000-000000000001'::uuid", text(uuid)),
        ("'\\x00ff'::bytea", Value::Blob(vec![0, 255])),
        ("NULL::numeric::text", Value::Null),
    ] {
        let value = component.value(&format!("SELECT {expression} AS x")).await;
        assert!(same(&value, &expected), "{expression}: {value:?}");
    }
    for expression in [
        "1.5::numeric",
        "now()",
        "'1 day'::interval",
        "ARRAY[1]",
        "ROW(1, 2)",
        "'1.2.3.4'::inet",
        "1::oid",
        "'x'::\"char\"",
        "item",
    ] {
        let answer = component.rows(&format!("SELECT {expression} AS x FROM item"), Vec::new()).await;
        assert!(
            matches!(&answer, Err(Error::UnsupportedType(words)) if words.contains('x')),
            "{expression}: {answer:?}"
        );
    }
    assert_eq!(component.integer("SELECT 1").await, 1);
    assert!(matches!(component.rows("SELECT $1", vec![text("a\0b")]).await, Err(Error::InvalidStatement(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_values_have_the_type_that_they_have() {
    let world = with_kinds(World::sqlite().await).await;
    let mut component = world.component("a", &[("kind", "select insert")]).await;
    component.changes("INSERT INTO kind (id, b, i) VALUES (1, 7, 'words')", Vec::new()).await.unwrap();
    let answer = component.rows("SELECT b, i FROM kind", Vec::new()).await.unwrap();
    // Neither 0 nor 1, so no boolean; and a text in a column of integers is a text.
    assert!(same(&answer.rows[0][0], &Value::Integer(7)) && same(&answer.rows[0][1], &text("words")));
    let nan = component.changes("INSERT INTO kind (id, r) VALUES (2, $1)", vec![Value::Real(f64::NAN)]).await;
    assert!(matches!(nan, Err(Error::InvalidStatement(_))));
    let broken = component.rows("SELECT CAST(x'ff' AS TEXT) AS t", Vec::new()).await;
    assert!(matches!(broken, Err(Error::UnsupportedType(_))), "{broken:?}");
    assert_eq!(component.integer("SELECT 1").await, 1);
}
