//! Migrations: in order, once, by the rules, and within their own tables.

use super::world::{Run as _, World, same, set, soon, text};
use crate::capabilities::database::{MigrationError, sql::Access};

async fn failure(world: &World, name: &str, migrations: &[&str]) -> String {
    match world.migrate(name, migrations).await {
        Err(error @ MigrationError::Failed { .. }) => error.to_string(),
        other => panic!("{migrations:?}: {other:?}"),
    }
}

both! {
    async fn what_is_missing_is_applied_once_and_in_order(world: World) {
        let first = "CREATE TABLE a (id BIGINT PRIMARY KEY); INSERT INTO a VALUES (1)";
        let second = "ALTER TABLE a ADD COLUMN b TEXT; UPDATE a SET b = 'x'";
        assert_eq!(world.migrate("one", &[first]).await.unwrap(), [1]);
        assert!(world.migrate("one", &[first]).await.unwrap().is_empty());
        world.database.check(&set("one", &[first, second])).await.unwrap();
        assert_eq!(world.migrate("one", &[first, second]).await.unwrap(), [2]);
        let mut component = world.component("a", &[("a", "select")]).await;
        assert_eq!(component.integer("SELECT count(*) FROM a WHERE b = 'x'").await, 1);
        // An older set, as after a rollback of the component.
        assert!(world.migrate("one", &[first]).await.unwrap().is_empty());
        // And a new host on the same database.
        assert!(world.another_host().await.migrate(&set("one", &[first, second])).await.unwrap().is_empty());
    }

    async fn a_column_may_be_added_with_a_check_that_its_rows_fit(world: World) {
        let table = "CREATE TABLE a (id BIGINT PRIMARY KEY); INSERT INTO a VALUES (1)";
        let kind = "ALTER TABLE a ADD COLUMN kind TEXT NOT NULL DEFAULT 'x' CONSTRAINT a_kind CHECK (kind IN ('x', 'y'))";
        assert_eq!(world.migrate("one", &[table, kind]).await.unwrap(), [1, 2]);
        let mut component = world.component("a", &[("a", "select insert")]).await;
        component.changes("INSERT INTO a VALUES (2, 'y')", Vec::new()).await.unwrap();
        let refused = component.changes("INSERT INTO a VALUES (3, 'z')", Vec::new()).await;
        assert!(refused.is_err(), "{refused:?}");
        let unfit = "ALTER TABLE a ADD COLUMN b BIGINT DEFAULT 1 CHECK (b > 1)";
        failure(&world, "one", &[table, kind, unfit]).await;
    }

    async fn another_migration_of_the_same_number_is_refused_and_changes_nothing(world: World) {
        world.migrate("one", &["CREATE TABLE a (id BIGINT)"]).await.unwrap();
        let other = set("one", &["CREATE TABLE a (id TEXT)", "CREATE TABLE b (id BIGINT)"]);
        assert!(matches!(world.database.check(&other).await, Err(MigrationError::Differs { number: 1, .. })));
        assert!(matches!(world.database.migrate(&other).await, Err(MigrationError::Differs { number: 1, .. })));
        assert!(world.try_component("a", &[("b", "select")]).await.is_err());
    }

    async fn a_migration_that_fails_leaves_nothing_of_itself(world: World) {
        let words = failure(&world, "one", &["CREATE TABLE a (id BIGINT)", "CREATE TABLE b (id BIGINT); SELECT * FROM nothing"]).await;
        assert!(words.contains("migration 2 (m2) of the set \"one\""), "{words}");
        assert!(world.try_component("x", &[("b", "select")]).await.is_err());
        // The first stays, and a mended second one goes on from there.
        assert_eq!(world.migrate("one", &["CREATE TABLE a (id BIGINT)", "CREATE TABLE b (id BIGINT)"]).await.unwrap(), [2]);
    }

    async fn a_set_can_not_touch_what_is_not_its_own(world: World) {
        let world = world.with_tables().await;
        let on_sqlite = ["INSERT INTO host_migration VALUES ('models', 9, 'x', 'x', 0)", "DELETE FROM host_table", "DROP TABLE host_role",
            "CREATE TABLE secret (x BIGINT)", "CREATE TABLE IF NOT EXISTS secret AS SELECT * FROM item"];
        let on_postgresql = ["INSERT INTO datamp.host_migration VALUES ('models', 9, 'x', 'x', 0)", "DELETE FROM datamp.host_role",
            "SELECT * FROM datamp.host_role", "DROP TABLE models.secret", "INSERT INTO models.item (id, name) VALUES ('9', 'x')", "CREATE TABLE models.x (id BIGINT)",
            "ALTER TABLE models.item ADD COLUMN x TEXT", "CREATE TABLE x (id TEXT REFERENCES models.item (id))", "SELECT * FROM models.secret",
            "SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "CREATE ROLE evil SUPERUSER", "CREATE EXTENSION dblink", "DROP SCHEMA models CASCADE",
            "CREATE TABLE public.x (id BIGINT)", "CREATE TEMP TABLE x (id BIGINT)", "DO $$ BEGIN EXECUTE 'RESET ROLE; DROP TABLE models.item'; END $$",
            "COPY (SELECT 1) TO PROGRAM 'true'", "CREATE TABLE host_x (id BIGINT)", "CREATE TABLE item (id BIGINT)",
            "ALTER ROLE CURRENT_USER CREATEROLE", "GRANT pg_read_server_files TO CURRENT_USER"];
        let common = ["DROP TABLE secret", "ALTER TABLE secret ADD COLUMN x TEXT", "SELECT word FROM secret", "INSERT INTO item (id, name) VALUES ('9', 'x')",
            "UPDATE item SET name = 'x'", "DELETE FROM secret", "CREATE INDEX i ON secret (word)", "DROP VIEW word_list",
            "CREATE TABLE t (x TEXT); INSERT INTO t SELECT word FROM secret", "CREATE TABLE host_mine (id BIGINT)", "COMMIT", "ROLLBACK", "CREATE TABLE t (x TEXT); COMMIT; CREATE TABLE u (x TEXT)"];
        let own: &[&str] = if world.is_sqlite() { &on_sqlite } else { &on_postgresql };
        for sql in common.iter().chain(own) {
            failure(&world, "evil", &[sql]).await;
        }
        if world.is_sqlite() {
            for sql in ["ATTACH 'other.db' AS other", "PRAGMA writable_schema = 1", "PRAGMA foreign_keys = 0", "SELECT load_extension('x')", "CREATE TEMP TABLE t (x)",
                "CREATE TEMP TRIGGER t AFTER INSERT ON item BEGIN SELECT 1; END", "CREATE TRIGGER t AFTER INSERT ON item BEGIN SELECT 1; END",
                "DETACH main", "VACUUM INTO 'copy.db'", "CREATE VIRTUAL TABLE t USING fts5(x)", "UPDATE sqlite_master SET sql = ''",
                "CREATE TABLE t (x TEXT); ALTER TABLE t RENAME TO host_t", "ANALYZE"] {
                failure(&world, "evil", &[sql]).await;
            }
        }
        let mut component = world.component("a", &[("item", "select"), ("secret", "select")]).await;
        assert_eq!(component.integer("SELECT count(*) FROM item WHERE name <> 'x'").await, 2);
        assert_eq!(component.integer("SELECT count(*) FROM secret").await, 1);
    }

    async fn a_set_may_do_with_its_own_what_it_likes(world: World) {
        let world = world.with_tables().await;
        let steps = [
            "CREATE TABLE own (id BIGINT PRIMARY KEY, word TEXT); CREATE INDEX own_word ON own (word); CREATE VIEW own_view AS SELECT id FROM own",
            "INSERT INTO own VALUES (1, 'a'), (2, 'b'); UPDATE own SET word = 'c' WHERE id = 1; DELETE FROM own WHERE id = 2",
            "ALTER TABLE own ADD COLUMN more BIGINT NOT NULL DEFAULT 0; ALTER TABLE own RENAME COLUMN word TO term",
            "DROP VIEW own_view; DROP INDEX own_word; CREATE TABLE newer AS SELECT * FROM own; DROP TABLE own; ALTER TABLE newer RENAME TO own",
            "CREATE UNIQUE INDEX own_id ON own (id)",
        ];
        assert_eq!(world.migrate("own", &steps).await.unwrap(), [1, 2, 3, 4, 5]);
        let mut component = world.component("a", &[("own", "select insert")]).await;
        assert_eq!(component.integer("SELECT count(*) FROM own WHERE term = 'c' AND more = 0").await, 1);
        assert!(world.try_component("b", &[("newer", "select")]).await.is_err());
        // What was renamed is still its own.
        assert_eq!(world.migrate("own", &[&steps[..], &["ALTER TABLE own ADD COLUMN last TEXT"]].concat()).await.unwrap(), [6]);
    }

    async fn a_running_component_outlives_a_migration_of_its_tables(world: World) {
        let first = "CREATE TABLE a (id BIGINT PRIMARY KEY); INSERT INTO a VALUES (1)";
        world.migrate("one", &[first]).await.unwrap();
        let mut component = world.component("a", &[("a", "select insert")]).await;
        for _ in 0..3 {
            assert_eq!(component.rows("SELECT * FROM a", Vec::new()).await.unwrap().columns, ["id"]);
        }
        world.migrate("one", &[first, "ALTER TABLE a ADD COLUMN b TEXT"]).await.unwrap();
        // On whichever connection: each has the statement prepared for the old columns.
        for _ in 0..3 {
            assert_eq!(component.rows("SELECT * FROM a", Vec::new()).await.unwrap().columns, ["id", "b"]);
        }
        let mut open = component.begin(Access::ReadOnly, soon()).await.unwrap();
        assert_eq!(open.rows("SELECT * FROM a", Vec::new()).await.unwrap().columns, ["id", "b"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_of_one_set_are_out_of_the_way_of_others_on_postgresql() {
    let world = World::postgresql().await.with_tables().await;
    // Closer to the argument's type than the built-in one: on a shared search path it would be taken, with the caller's rights.
    world
        .migrate("evil", &["CREATE TABLE bait (id BIGINT); CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''taken'''"])
        .await
        .unwrap();
    let mut component = world.component("a", &[("item", "select")]).await;
    let answer =
        component.rows("SELECT lower(CAST(name AS VARCHAR)) FROM item WHERE id = '1'", Vec::new()).await.unwrap();
    assert!(same(&answer.rows[0][0], &text("one")), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_shared_by_all_sets_on_both_databases() {
    for world in [World::sqlite().await, World::postgresql().await] {
        let world = world.with_tables().await;
        assert!(world.migrate("other", &["CREATE TABLE item (id BIGINT)"]).await.is_err());
        assert!(world.migrate("other", &["CREATE VIEW item AS SELECT 1 AS x"]).await.is_err());
    }
}
