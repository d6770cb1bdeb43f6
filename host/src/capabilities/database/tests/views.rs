//! Views show what is their own set's, and nothing else of the file.

use super::world::{Run as _, World, text};
use crate::capabilities::database::{ComponentDatabase, MigrationError, sql::Error};

const OWN: &str = "CREATE TABLE own (word TEXT); INSERT INTO own VALUES ('a'), ('b');
    CREATE VIEW shown AS SELECT word FROM own; CREATE VIEW shown_again AS SELECT word FROM shown";

async fn failure(world: &World, name: &str, migrations: &[&str]) -> String {
    match world.migrate(name, migrations).await {
        Err(error @ MigrationError::Failed { .. }) => error.to_string(),
        other => panic!("{migrations:?}: {other:?}"),
    }
}

async fn each_denied(component: &mut ComponentDatabase, statements: &[&str]) {
    for statement in statements {
        let answer = component.rows(statement, Vec::new()).await;
        assert!(matches!(answer, Err(Error::Denied(_))), "{statement}: {answer:?}");
    }
}

both! {
    async fn a_set_makes_no_view_of_what_is_not_its_own(world: World) {
        let world = world.with_tables().await;
        for query in [
            "SELECT word FROM secret",
            "SELECT count(*) FROM secret",
            "SELECT 1 AS x FROM secret",
            "SELECT word FROM word_list",
            "SELECT 1 AS x WHERE EXISTS (SELECT 1 FROM secret WHERE word = 'sesame')",
            "WITH w AS (SELECT word FROM secret) SELECT word FROM w",
            "SELECT component, payload FROM host_work",
            "SELECT word FROM later",
        ] {
            failure(&world, "evil", &[&format!("CREATE VIEW peek AS {query}")]).await;
            assert!(world.try_component("a", &[("peek", "select")]).await.is_err(), "{query}");
        }
    }

    async fn own_views_are_read_without_a_right_to_what_they_are_made_of(world: World) {
        let world = world.with_tables().await;
        world.migrate("own", &[OWN]).await.unwrap();
        for view in ["shown", "shown_again"] {
            let mut component = world.component("a", &[(view, "select")]).await;
            assert_eq!(component.rows(&format!("SELECT * FROM {view}"), Vec::new()).await.unwrap().rows.len(), 2);
            assert_eq!(component.rows(&format!("SELECT 1 FROM {view}"), Vec::new()).await.unwrap().rows.len(), 2);
            assert_eq!(component.integer(&format!("SELECT count(*) FROM {view}")).await, 2);
            assert_eq!(component.integer(&format!("SELECT count(*) FROM {view} WHERE word = 'a'")).await, 1);
            each_denied(&mut component, &["SELECT word FROM own", "SELECT count(*) FROM own"]).await;
        }
        let mut component = world.component("b", &[("shown_again", "select")]).await;
        each_denied(&mut component, &["SELECT word FROM shown", "SELECT s.word FROM shown_again a JOIN shown s ON s.word = a.word"]).await;
        // Views of two sets, side by side.
        let mut component = world.component("c", &[("shown_again", "select"), ("item_name_list", "select")]).await;
        let both = component.rows("SELECT i.name, s.word FROM item_name_list i, shown_again s", Vec::new()).await;
        assert_eq!(both.unwrap().rows.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refusal_on_sqlite_names_the_view_and_the_table() {
    let world = World::sqlite().await.with_tables().await;
    for (views, view, table) in [
        ("CREATE VIEW peek AS SELECT word FROM secret", "peek", "secret"),
        ("CREATE VIEW Peek AS SELECT word FROM main.SECRET", "Peek", "secret"),
        ("CREATE VIEW \"a \"\"peek\" AS SELECT count(*) FROM secret", "a \\\"peek", "secret"),
        ("CREATE VIEW peek AS SELECT component, payload FROM host_work", "peek", "host_work"),
        ("CREATE VIEW peek AS SELECT sql FROM sqlite_master", "peek", "sqlite_master"),
        ("CREATE VIEW peek AS SELECT count(*) FROM sqlite_master", "peek", "sqlite_master"),
        // What is innermost is asked for first.
        ("CREATE VIEW peek AS SELECT * FROM word_list", "peek", "secret"),
        ("CREATE VIEW peek AS SELECT 1 FROM word_list", "peek", "secret"),
    ] {
        let words = failure(&world, "evil", &[views]).await;
        assert!(words.contains(&format!("the view \"{view}\"")), "{words}");
        assert!(words.contains(&format!("the table \"{table}\"")), "{words}");
    }
    // The outer one is made first, and reads nothing that is there yet.
    let nested = "CREATE VIEW outer_peek AS SELECT word FROM peek; CREATE VIEW peek AS SELECT word FROM secret";
    let words = failure(&world, "evil", &[nested]).await;
    assert!(words.contains("peek\"") && words.contains("the table \"secret\""), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_on_sqlite_can_be_read_after_every_migration_of_its_set() {
    let world = World::sqlite().await.with_tables().await;
    let words = failure(&world, "own", &[OWN, "DROP TABLE own"]).await;
    assert!(words.contains("the view \"shown"), "{words}");
    // Within one migration the order is free.
    let reversed = "CREATE VIEW early AS SELECT x FROM later;
        CREATE TABLE later (x BIGINT); INSERT INTO later VALUES (1)";
    world.migrate("reversed", &[reversed]).await.unwrap();
    let mut component = world.component("a", &[("early", "select")]).await;
    assert_eq!(component.integer("SELECT x FROM early").await, 1);
    // What a view is made of is learnt again.
    let changed = "DROP VIEW early; DROP TABLE later;
        CREATE TABLE newer (x BIGINT); INSERT INTO newer VALUES (2); CREATE VIEW early AS SELECT x FROM newer";
    world.migrate("reversed", &[reversed, changed]).await.unwrap();
    assert_eq!(component.integer("SELECT x FROM early").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_is_there_on_sqlite_shows_nothing_of_another_set() {
    let world = World::sqlite().await.with_tables().await;
    world.migrate("own", &[OWN]).await.unwrap();
    // As a migration could make them once.
    for (number, query) in [
        "SELECT word FROM secret",
        "SELECT 1 AS word FROM secret",
        "SELECT word FROM word_list",
        "SELECT own.word FROM own, secret",
        "SELECT payload AS word FROM host_work",
        "SELECT sql AS word FROM sqlite_master",
        "SELECT word FROM peek0",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("peek{number}");
        world
            .as_host(&format!(
                "CREATE VIEW {name} AS {query}; INSERT INTO host_table (name, set_name) VALUES ('{name}', 'own')"
            ))
            .await;
        let mut component = world.component("a", &[(name.as_str(), "select"), ("shown", "select")]).await;
        let (all, some) = (format!("SELECT * FROM {name}"), format!("SELECT count(*) FROM {name} WHERE word = 'x'"));
        let (count, one) = (format!("SELECT count(*) FROM {name}"), format!("SELECT 1 FROM {name}"));
        each_denied(&mut component, &[&all, &some, &count, &one]).await;
        assert_eq!(component.integer("SELECT count(*) FROM shown").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_passes_for_a_view_of_another_set_on_sqlite() {
    let world = World::sqlite().await.with_tables().await;
    for sql in [
        "CREATE TABLE t (x TEXT); CREATE TRIGGER Word_List AFTER INSERT ON t BEGIN \
         INSERT INTO t SELECT word FROM secret; END",
        "CREATE TABLE t (x TEXT); CREATE TRIGGER a AFTER INSERT ON t BEGIN \
         UPDATE t SET x = (WITH word_list AS (SELECT word FROM secret) SELECT word FROM word_list); END",
        "CREATE VIEW peek AS WITH word_list AS (SELECT 1 AS x) SELECT x FROM word_list",
    ] {
        let words = failure(&world, "evil", &[sql]).await;
        assert!(words.contains("\"word_list\""), "{words}");
    }
    // Nor the other way round.
    let early = "CREATE TABLE t (x TEXT); CREATE TRIGGER future AFTER INSERT ON t BEGIN SELECT 1; END";
    world.migrate("early", &[early]).await.unwrap();
    assert!(failure(&world, "own", &["CREATE VIEW future AS SELECT 1 AS x"]).await.contains("\"future\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_instead_of_a_views_write_has_its_components_rights_on_sqlite() {
    let world = World::sqlite().await;
    let trigger = "CREATE TRIGGER put INSTEAD OF INSERT ON shown BEGIN INSERT INTO own (word) VALUES (new.word); END";
    world.migrate("own", &[OWN, trigger]).await.unwrap();
    let insert = "INSERT INTO shown (word) VALUES ($1)";
    let mut component = world.component("a", &[("shown", "select insert")]).await;
    let answer = component.changes(insert, vec![text("c")]).await;
    assert!(matches!(answer, Err(Error::Denied(_))), "{answer:?}");
    let mut component = world.component("b", &[("shown", "select insert"), ("own", "insert")]).await;
    component.changes(insert, vec![text("c")]).await.unwrap();
    assert_eq!(component.integer("SELECT count(*) FROM shown").await, 3);
}
