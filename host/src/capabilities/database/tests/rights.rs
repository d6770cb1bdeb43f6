//! What a component may touch: what its manifest names, whatever the statement looks like.

use super::world::{Run as _, World, text};
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
        let mut component = world.component("a", &[("item", "select insert"), ("transfer", "insert select")]).await;
        each_denied(&mut component, &[
            "SELECT * FROM secret",
            "SELECT word FROM secret WHERE id = '1'",
            "SELECT 1 FROM secret",
            "SELECT count(*) FROM secret",
            "SELECT EXISTS (SELECT 1 FROM secret)",
            "SELECT (SELECT max(word) FROM secret)",
            "SELECT id FROM item WHERE name IN (SELECT word FROM secret)",
            "SELECT s.id FROM item s JOIN secret t ON t.id = s.id",
            "SELECT s.id FROM item s LEFT JOIN secret t ON t.id = s.id",
            "SELECT id FROM item UNION ALL SELECT word FROM secret",
            "SELECT id FROM item EXCEPT SELECT word FROM secret",
            "SELECT id FROM item ORDER BY (SELECT word FROM secret)",
            "WITH s AS (SELECT word FROM secret) SELECT * FROM s",
            "WITH item AS (SELECT word FROM secret) SELECT count(*) FROM item",
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s, secret WHERE n < 3) SELECT n FROM s",
            "SELECT * FROM (SELECT word AS id FROM secret) AS item",
            "SELECT * FROM word_list",
            "SELECT count(*) FROM word_list",
            "SELECT 1 FROM word_list",
            "SELECT EXISTS (SELECT 1 FROM word_list)",
            "SELECT id FROM item WHERE EXISTS (SELECT 1 FROM word_list WHERE word = 'sesame')",
            "SELECT id FROM item WHERE name IN (SELECT word FROM word_list)",
            "SELECT count(*) FROM item, word_list",
            "SELECT max(word) FROM word_list",
            "WITH a_view AS (SELECT * FROM word_list) SELECT * FROM a_view",
            "INSERT INTO item (id, name) SELECT '9', word FROM word_list",
            "SELECT * FROM item_name_list",
            "INSERT INTO item (id, name) SELECT id, word FROM secret",
            "INSERT INTO item (id, name) VALUES ('9', (SELECT word FROM secret))",
            "SELECT * FROM \"secret\"",
        ]).await;
        // Nothing of it happened.
        assert_eq!(component.integer("SELECT count(*) FROM item").await, 2);
    }

    async fn every_way_to_write_needs_its_own_right(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select insert")]).await;
        each_denied(&mut component, &[
            "UPDATE item SET name = 'x'",
            "UPDATE item SET name = 'x' WHERE id = '1' RETURNING id",
            "DELETE FROM item",
            "DELETE FROM item WHERE id = '3'",
            "INSERT INTO item (id, name) VALUES ('1', 'x') ON CONFLICT (id) DO UPDATE SET name = 'y'",
            "INSERT INTO secret (id) VALUES ('9')",
            "INSERT INTO secret SELECT id, name FROM item",
            "WITH s AS (SELECT id FROM item) DELETE FROM item",
            "UPDATE secret SET word = 'x'",
            "DELETE FROM secret",
        ]).await;
        each_allowed(&mut component, &["INSERT INTO item (id, name) VALUES ('1', 'x') ON CONFLICT (id) DO NOTHING"]).await;
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
        let mut component = world.component("a", &[("secret", "update"), ("item", "select")]).await;
        each_denied(&mut component, &[
            "UPDATE secret SET word = word || 'x'",
            "UPDATE secret SET word = 'x' WHERE id = '1'",
            "UPDATE secret SET word = 'x' RETURNING id",
            "UPDATE secret SET word = (SELECT max(word) FROM secret)",
            "DELETE FROM secret",
            "INSERT INTO secret (id) VALUES ('9')",
        ]).await;
        assert_eq!(component.changes("UPDATE secret SET word = (SELECT min(name) FROM item)", Vec::new()).await.unwrap(), 1);
        let mut component = world.component("b", &[("secret", "select")]).await;
        each_denied(&mut component, &["UPDATE secret SET word = 'x'"]).await;
        let mut component = world.component("c", &[("item", "select update")]).await;
        each_denied(&mut component, &["UPDATE item SET name = word FROM secret WHERE secret.id = item.id"]).await;
        assert_eq!(component.changes("UPDATE item SET level = level + 1 WHERE id = '1'", Vec::new()).await.unwrap(), 1);
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
        let mut component = world.component("a", &[("item_name_list", "select")]).await;
        assert_eq!(component.integer("SELECT count(*) FROM item_name_list").await, 2);
        let names = component.rows("SELECT name FROM item_name_list ORDER BY name", Vec::new()).await.unwrap();
        assert_eq!(names.rows.len(), 2);
        each_denied(&mut component, &["SELECT name FROM item", "SELECT level FROM item", "SELECT count(*) FROM item",
            "SELECT l.name, s.level FROM item_name_list l JOIN item s ON s.id = l.id"]).await;
    }

    async fn the_name_of_a_view_that_was_granted_opens_nothing_else(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item_name_list", "select"), ("transfer", "select insert update delete")]).await;
        each_denied(&mut component, &[
            "WITH item_name_list AS (SELECT word FROM secret) SELECT * FROM item_name_list",
            "WITH item_name_list AS (SELECT word FROM secret) SELECT count(*) FROM item_name_list",
            "WITH item_name_list AS (SELECT * FROM word_list) SELECT * FROM item_name_list",
            "WITH item_name_list AS (SELECT count(*) AS n FROM word_list) SELECT n FROM item_name_list",
            "WITH item_name_list AS (SELECT level FROM item) SELECT * FROM item_name_list",
            "SELECT (SELECT count(*) FROM secret) FROM item_name_list",
            "SELECT (SELECT count(*) FROM word_list) FROM item_name_list",
            "SELECT id FROM item_name_list WHERE (SELECT word FROM secret) = 'sesame'",
            "SELECT item_name_list.id FROM (SELECT word AS id FROM secret) AS item_name_list",
            "DELETE FROM transfer WHERE id IN (SELECT word FROM secret)",
            "UPDATE transfer SET item_id = (SELECT max(id) FROM item)",
        ]).await;
    }

    async fn foreign_keys_are_the_tables_own_business(world: World) {
        let tables = "CREATE TABLE parent (id BIGINT PRIMARY KEY, word TEXT);
            CREATE TABLE child (id BIGINT PRIMARY KEY, parent_id BIGINT REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
            CREATE TABLE grandchild (id BIGINT PRIMARY KEY, child_id BIGINT REFERENCES child (id) ON DELETE CASCADE);
            CREATE TABLE stepchild (id BIGINT PRIMARY KEY, parent_id BIGINT REFERENCES parent (id) ON DELETE SET NULL);
            CREATE TABLE heir (id BIGINT PRIMARY KEY, parent_id BIGINT NOT NULL REFERENCES parent (id));
            INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO child VALUES (1, 1), (2, 2); INSERT INTO grandchild VALUES (1, 1), (2, 2);
            INSERT INTO stepchild VALUES (1, 1), (2, 2); INSERT INTO heir VALUES (1, 3)";
        world.migrate("family", &[tables]).await.unwrap();
        let mut parents = world.component("parents", &[("parent", "select insert update delete")]).await;
        let mut heirs = world.component("heirs", &[("heir", "insert")]).await;
        let mut all = world.component("all", &[("child", "select"), ("grandchild", "select"), ("stepchild", "select")]).await;
        let left = "SELECT (SELECT count(*) FROM child) * 100 + (SELECT count(*) FROM grandchild) * 10 + (SELECT count(*) FROM stepchild WHERE parent_id IS NULL)";
        assert_eq!(all.integer(left).await, 220);
        assert_eq!(parents.changes("DELETE FROM parent WHERE id = 1", Vec::new()).await.unwrap(), 1);
        assert_eq!(all.integer(left).await, 111);
        assert_eq!(parents.changes("INSERT INTO parent (id) VALUES (4), (5), (6)", Vec::new()).await.unwrap(), 3);
        assert_eq!(parents.changes("UPDATE parent SET id = 7 WHERE id = 4", Vec::new()).await.unwrap(), 1);
        assert!(matches!(parents.changes("DELETE FROM parent", Vec::new()).await, Err(Error::ForeignKeyViolation(_))));
        assert_eq!(heirs.changes("INSERT INTO heir (id, parent_id) VALUES (2, 3)", Vec::new()).await.unwrap(), 1);
        assert!(matches!(heirs.changes("INSERT INTO heir (id, parent_id) VALUES (3, 99)", Vec::new()).await, Err(Error::ForeignKeyViolation(_))));
        // The other end is no more in reach than before.
        each_denied(&mut heirs, &["INSERT INTO heir (id, parent_id) SELECT id, id FROM parent", "INSERT INTO heir (id, parent_id) VALUES (4, (SELECT max(id) FROM parent))"]).await;
        each_denied(&mut parents, &["DELETE FROM child", "DELETE FROM parent WHERE id IN (SELECT parent_id FROM child)", "UPDATE child SET parent_id = 2",
            "WITH c AS (SELECT parent_id FROM child) DELETE FROM parent WHERE id IN (SELECT parent_id FROM c)"]).await;
    }

    async fn what_only_computes_is_free(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        each_allowed(&mut component, &[
            "SELECT 1",
            "VALUES (1), (2)",
            "WITH secret AS (SELECT 1 AS x) SELECT x FROM secret",
            "WITH a_name AS (SELECT 1) SELECT count(*) FROM a_name",
            "WITH a_name AS (SELECT 1) SELECT EXISTS (SELECT 1 FROM a_name)",
            "SELECT upper(name), coalesce(level, 0), count(*) OVER () FROM item",
            "SELECT name, CAST(COALESCE(SUM(level), 0) AS BIGINT) FROM item GROUP BY name HAVING count(*) > 0",
            "SELECT id FROM item AS secret",
        ]).await;
        let elements = if world.is_sqlite() { "SELECT value FROM json_each($1)" } else { "SELECT unnest($1)" };
        let answer = component.rows(elements, vec![Value::Integers(vec![1, 2, 3])]).await.unwrap();
        assert_eq!(answer.rows.len(), 3);
        let count = if world.is_sqlite() { "SELECT count(*) FROM json_each($1)" } else { "SELECT cardinality($1)" };
        assert!(component.rows(count, vec![Value::Texts(vec!["a".to_owned()])]).await.is_ok());
    }

    async fn without_any_right_there_is_nothing_to_touch(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "")]).await;
        each_denied(&mut component, &["SELECT 1 FROM item", "INSERT INTO item (id, name) VALUES ('9', 'x')", "UPDATE item SET name = 'x'", "DELETE FROM item"]).await;
    }

    async fn the_denial_names_what_is_missing(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        let Err(Error::Denied(words)) = component.rows("SELECT word FROM secret", Vec::new()).await else { panic!() };
        assert!(words.contains("secret"), "{words}");
        if world.is_sqlite() {
            assert_eq!(words, "select on secret");
        }
        let answer = component.changes("INSERT INTO item (id, name) VALUES ($1, $2)", vec![text("9"), text("x")]).await;
        assert_denied("INSERT", &answer);
    }

    async fn a_table_that_is_not_there_is_named(world: World) {
        let world = world.with_tables().await;
        let error = world.try_component("a", &[("item", "select"), ("nothing", "select")]).await.err().unwrap();
        assert!(error.to_string().contains("\"nothing\""), "{error}");
        // The host's own are never there.
        assert!(world.try_component("a", &[("host_role", "select")]).await.is_err() || world.is_sqlite());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_shows_neither_its_schema_nor_its_inside() {
    let world = World::sqlite().await.with_tables().await;
    let mut component = world.component("a", &[("item", "select insert update delete")]).await;
    each_denied(
        &mut component,
        &[
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
            "INSERT INTO secret SELECT * FROM item",
        ],
    )
    .await;
    // These SQLite refuses before it asks for a right.
    for statement in ["DELETE FROM sqlite_master", "UPDATE sqlite_master SET sql = ''"] {
        let answer = component.changes(statement, Vec::new()).await;
        assert!(matches!(answer, Err(Error::Denied(_) | Error::InvalidStatement(_))), "{statement}: {answer:?}");
    }
    for statement in [
        "PRAGMA table_info(secret)",
        "ATTACH 'x' AS y",
        "CREATE TEMP TABLE x (a)",
        "CREATE TRIGGER t AFTER INSERT ON item BEGIN SELECT 1; END",
    ] {
        assert!(matches!(component.rows(statement, Vec::new()).await, Err(Error::InvalidStatement(_))), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_has_no_right_that_its_component_lacks() {
    let world = World::sqlite().await.with_tables().await;
    let trigger =
        "CREATE TRIGGER copied AFTER INSERT ON item BEGIN INSERT INTO secret (id, word) VALUES (new.id, new.name); END";
    world.migrate("models", &[super::world::TABLES_OF_MODELS, trigger]).await.unwrap();
    let insert = "INSERT INTO item (id, name) VALUES ('9', 'x')";
    let mut component = world.component("a", &[("item", "select insert")]).await;
    assert_denied(insert, &component.changes(insert, Vec::new()).await);
    assert_eq!(component.integer("SELECT count(*) FROM item").await, 2);
    let mut component = world.component("b", &[("item", "select insert"), ("secret", "insert")]).await;
    assert_eq!(component.changes(insert, Vec::new()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replace_can_not_stand_in_for_delete() {
    let world = World::sqlite().await.with_tables().await;
    let mut component = world.component("a", &[("item", "select insert update")]).await;
    for statement in [
        "REPLACE INTO item (id, name) VALUES ('1', 'x')",
        "INSERT OR REPLACE INTO item (id, name) VALUES ('1', 'x')",
        "UPDATE OR REPLACE item SET name = 'one'",
    ] {
        assert!(
            matches!(component.changes(statement, Vec::new()).await, Err(Error::InvalidStatement(_))),
            "{statement}"
        );
    }
    assert_eq!(component.integer("SELECT count(*) FROM item").await, 2);
}
