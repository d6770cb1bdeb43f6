//! What a component may touch: what its manifest names, whatever the statement looks like.

use super::world::{Run as _, World, both, text};
use crate::capabilities::database::{
    ComponentDatabase,
    sql::{Error, Value},
};

#[track_caller]
fn assert_denied<T: std::fmt::Debug>(statement: &str, answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Denied(_))), "{statement}: {answer:?}");
}

async fn each_denied(component: &mut ComponentDatabase, statements: &[&str]) {
    for statement in statements {
        let answer = component.rows(statement, Vec::new()).await;
        assert_denied(statement, &answer);
        let answer = component.changes(statement, Vec::new()).await;
        assert_denied(statement, &answer);
    }
}

async fn each_allowed(component: &mut ComponentDatabase, statements: &[&str]) {
    for statement in statements {
        let answer = component.rows(statement, Vec::new()).await;
        assert!(answer.is_ok(), "{statement}: {answer:?}");
    }
}

both! {
    async fn every_way_to_read_needs_select(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("shop", "select insert"), ("transfer", "insert select")]).await;
        each_denied(&mut component, &[
            "SELECT * FROM secret",
            "SELECT word FROM secret WHERE id = '1'",
            "SELECT 1 FROM secret",
            "SELECT count(*) FROM secret",
            "SELECT EXISTS (SELECT 1 FROM secret)",
            "SELECT (SELECT max(word) FROM secret)",
            "SELECT id FROM shop WHERE name IN (SELECT word FROM secret)",
            "SELECT s.id FROM shop s JOIN secret t ON t.id = s.id",
            "SELECT s.id FROM shop s LEFT JOIN secret t ON t.id = s.id",
            "SELECT id FROM shop UNION ALL SELECT word FROM secret",
            "SELECT id FROM shop EXCEPT SELECT word FROM secret",
            "SELECT id FROM shop ORDER BY (SELECT word FROM secret)",
            "WITH s AS (SELECT word FROM secret) SELECT * FROM s",
            "WITH shop AS (SELECT word FROM secret) SELECT count(*) FROM shop",
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s, secret WHERE n < 3) SELECT n FROM s",
            "SELECT * FROM (SELECT word AS id FROM secret) AS shop",
            "SELECT * FROM word_list",
            "SELECT count(*) FROM word_list",
            "SELECT * FROM shop_name_list",
            "INSERT INTO shop (id, name) SELECT id, word FROM secret",
            "INSERT INTO shop (id, name) VALUES ('9', (SELECT word FROM secret))",
            "SELECT * FROM \"secret\"",
        ]).await;
        // Nothing of it happened.
        assert_eq!(component.integer("SELECT count(*) FROM shop").await, 2);
    }

    async fn every_way_to_write_needs_its_own_right(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("shop", "select insert")]).await;
        each_denied(&mut component, &[
            "UPDATE shop SET name = 'x'",
            "UPDATE shop SET name = 'x' WHERE id = '1' RETURNING id",
            "DELETE FROM shop",
            "DELETE FROM shop WHERE id = '3'",
            "INSERT INTO shop (id, name) VALUES ('1', 'x') ON CONFLICT (id) DO UPDATE SET name = 'y'",
            "INSERT INTO secret (id) VALUES ('9')",
            "INSERT INTO secret SELECT id, name FROM shop",
            "WITH s AS (SELECT id FROM shop) DELETE FROM shop",
            "UPDATE secret SET word = 'x'",
            "DELETE FROM secret",
        ]).await;
        each_allowed(&mut component, &["INSERT INTO shop (id, name) VALUES ('1', 'x') ON CONFLICT (id) DO NOTHING"]).await;
    }

    async fn adding_does_not_mean_reading(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("secret", "insert")]).await;
        each_denied(&mut component, &[
            "SELECT * FROM secret",
            "INSERT INTO secret (id, word) VALUES ('9', 'x') RETURNING word",
            "INSERT INTO secret (id, word) SELECT 'x' || id, word FROM secret",
            "INSERT INTO secret (id, word) VALUES ((SELECT count(*) FROM secret), 'x')",
        ]).await;
        assert_eq!(component.changes("INSERT INTO secret (id, word) VALUES ('8', 'x'), ('9', 'y')", Vec::new()).await.unwrap(), 2);
    }

    async fn changing_does_not_mean_reading(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("secret", "update"), ("shop", "select")]).await;
        each_denied(&mut component, &[
            "UPDATE secret SET word = word || 'x'",
            "UPDATE secret SET word = 'x' WHERE id = '1'",
            "UPDATE secret SET word = 'x' RETURNING id",
            "UPDATE secret SET word = (SELECT max(word) FROM secret)",
            "DELETE FROM secret",
            "INSERT INTO secret (id) VALUES ('9')",
        ]).await;
        assert_eq!(component.changes("UPDATE secret SET word = (SELECT min(name) FROM shop)", Vec::new()).await.unwrap(), 1);
        let mut component = world.component("b", &[("secret", "select")]).await;
        each_denied(&mut component, &["UPDATE secret SET word = 'x'"]).await;
        let mut component = world.component("c", &[("shop", "select update")]).await;
        each_denied(&mut component, &["UPDATE shop SET name = word FROM secret WHERE secret.id = shop.id"]).await;
        assert_eq!(component.changes("UPDATE shop SET balance = balance + 1 WHERE id = '1'", Vec::new()).await.unwrap(), 1);
    }

    async fn removing_does_not_mean_reading(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("secret", "delete")]).await;
        each_denied(&mut component, &[
            "DELETE FROM secret WHERE word = 'sesame'",
            "DELETE FROM secret RETURNING word",
            "UPDATE secret SET word = 'x'",
        ]).await;
        assert_eq!(component.changes("DELETE FROM secret", Vec::new()).await.unwrap(), 1);
    }

    async fn a_view_shows_what_it_shows_and_no_more(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("shop_name_list", "select")]).await;
        assert_eq!(component.integer("SELECT count(*) FROM shop_name_list").await, 2);
        let names = component.rows("SELECT name FROM shop_name_list ORDER BY name", Vec::new()).await.unwrap();
        assert_eq!(names.rows.len(), 2);
        each_denied(&mut component, &["SELECT name FROM shop", "SELECT balance FROM shop", "SELECT count(*) FROM shop",
            "SELECT l.name, s.balance FROM shop_name_list l JOIN shop s ON s.id = l.id"]).await;
    }

    async fn what_only_computes_is_free(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("shop", "select")]).await;
        each_allowed(&mut component, &[
            "SELECT 1",
            "VALUES (1), (2)",
            "WITH secret AS (SELECT 1 AS x) SELECT x FROM secret",
            "WITH a_name AS (SELECT 1) SELECT count(*) FROM a_name",
            "WITH a_name AS (SELECT 1) SELECT EXISTS (SELECT 1 FROM a_name)",
            "SELECT upper(name), coalesce(balance, 0), count(*) OVER () FROM shop",
            "SELECT name, CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM shop GROUP BY name HAVING count(*) > 0",
            "SELECT id FROM shop AS secret",
        ]).await;
        let elements = if world.is_sqlite() { "SELECT value FROM json_each($1)" } else { "SELECT unnest($1)" };
        let answer = component.rows(elements, vec![Value::Integers(vec![1, 2, 3])]).await.unwrap();
        assert_eq!(answer.rows.len(), 3);
        let count = if world.is_sqlite() { "SELECT count(*) FROM json_each($1)" } else { "SELECT cardinality($1)" };
        assert!(component.rows(count, vec![Value::Texts(vec!["a".to_owned()])]).await.is_ok());
    }

    async fn without_any_right_there_is_nothing_to_touch(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("shop", "")]).await;
        each_denied(&mut component, &["SELECT 1 FROM shop", "INSERT INTO shop (id, name) VALUES ('9', 'x')", "UPDATE shop SET name = 'x'", "DELETE FROM shop"]).await;
    }

    async fn the_denial_names_what_is_missing(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("shop", "select")]).await;
        let Err(Error::Denied(words)) = component.rows("SELECT word FROM secret", Vec::new()).await else { panic!() };
        assert!(words.contains("secret"), "{words}");
        if world.is_sqlite() {
            assert_eq!(words, "select on secret");
        }
        let answer = component.changes("INSERT INTO shop (id, name) VALUES ($1, $2)", vec![text("9"), text("x")]).await;
        assert_denied("INSERT", &answer);
    }

    async fn a_table_that_is_not_there_is_named(world: World) {
        let world = world.with_tables().await;
        let error = world.try_component("a", &[("shop", "select"), ("nothing", "select")]).await.err().unwrap();
        assert!(error.to_string().contains("\"nothing\""), "{error}");
        // The host's own are never there.
        assert!(world.try_component("a", &[("host_role", "select")]).await.is_err() || world.is_sqlite());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_shows_neither_its_schema_nor_its_inside() {
    let world = World::sqlite().await.with_tables().await;
    let mut component = world.component("a", &[("shop", "select insert update delete")]).await;
    each_denied(&mut component, &[
        "SELECT sql FROM sqlite_master",
        "SELECT count(*) FROM sqlite_master",
        "SELECT name FROM sqlite_schema",
        "SELECT * FROM sqlite_temp_master",
        "SELECT * FROM main.secret",
        "SELECT count(*) FROM main.secret",
        "SELECT count(*) FROM host_role",
        "SELECT * FROM host_migration",
        "SELECT * FROM pragma_table_info('secret')",
        "SELECT count(*) FROM pragma_table_info('secret')",
        "SELECT * FROM pragma_database_list",
        "SELECT count(*) FROM pragma_database_list",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM dbstat",
        "SELECT (WITH secret AS (SELECT 1) SELECT 1), (SELECT count(*) FROM secret)",
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('simple')",
        "DELETE FROM sqlite_master",
        "UPDATE sqlite_master SET sql = ''",
        "INSERT INTO secret SELECT * FROM shop",
    ]).await;
    for statement in ["PRAGMA table_info(secret)", "ATTACH 'x' AS y", "CREATE TEMP TABLE x (a)", "CREATE TRIGGER t AFTER INSERT ON shop BEGIN SELECT 1; END"] {
        assert!(matches!(component.rows(statement, Vec::new()).await, Err(Error::InvalidStatement(_))), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_has_no_right_that_its_component_lacks() {
    let world = World::sqlite().await.with_tables().await;
    let trigger = "CREATE TRIGGER copied AFTER INSERT ON shop BEGIN INSERT INTO secret (id, word) VALUES (new.id, new.name); END";
    world.migrate("models", &[super::world::TABLES_OF_MODELS, trigger]).await.unwrap();
    let insert = "INSERT INTO shop (id, name) VALUES ('9', 'x')";
    let mut component = world.component("a", &[("shop", "select insert")]).await;
    assert_denied(insert, &component.changes(insert, Vec::new()).await);
    assert_eq!(component.integer("SELECT count(*) FROM shop").await, 2);
    let mut component = world.component("b", &[("shop", "select insert"), ("secret", "insert")]).await;
    assert_eq!(component.changes(insert, Vec::new()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replace_can_not_stand_in_for_delete() {
    let world = World::sqlite().await.with_tables().await;
    let mut component = world.component("a", &[("shop", "select insert update")]).await;
    for statement in ["REPLACE INTO shop (id, name) VALUES ('1', 'x')", "INSERT OR REPLACE INTO shop (id, name) VALUES ('1', 'x')", "UPDATE OR REPLACE shop SET name = 'one'"] {
        assert!(matches!(component.changes(statement, Vec::new()).await, Err(Error::InvalidStatement(_))), "{statement}");
    }
    assert_eq!(component.integer("SELECT count(*) FROM shop").await, 2);
}
