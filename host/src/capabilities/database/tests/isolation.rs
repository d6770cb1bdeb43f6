//! Components apart from each other and from the server, on PostgreSQL; and rights over a swap.

use super::world::{Run as _, World, needs, same, text};
use crate::capabilities::database::{
    Database, DatabaseSettings,
    sql::{Error, Value},
};

both! {
    async fn two_components_have_each_their_own_rights(world: World) {
        let world = world.with_tables().await;
        let mut reader = world.component("reader", &[("item", "select")]).await;
        let mut writer = world.component("writer", &[("item", "insert"), ("secret", "select")]).await;
        assert!(matches!(reader.rows("SELECT * FROM secret", Vec::new()).await, Err(Error::Denied(_))));
        assert!(matches!(writer.rows("SELECT * FROM item", Vec::new()).await, Err(Error::Denied(_))));
        assert_eq!(writer.changes("INSERT INTO item (id, name) VALUES ('3', 'three')", Vec::new()).await.unwrap(), 1);
        assert_eq!(reader.integer("SELECT count(*) FROM item").await, 3);
        assert!(same(&writer.value("SELECT word FROM secret").await, &text("sesame")));
    }

    async fn an_old_generation_keeps_its_rights_until_it_is_settled(world: World) {
        let world = world.with_tables().await;
        let mut old = world.component("a", &[("item", "select insert"), ("secret", "select")]).await;
        let mut new = world.component("a", &[("item", "select update")]).await;
        let (insert, update) = ("INSERT INTO item (id, name) VALUES ($1, $1)", "UPDATE item SET level = 1 WHERE id = $1");
        assert!(old.changes(insert, vec![text("3")]).await.is_ok());
        assert!(old.rows("SELECT * FROM secret", Vec::new()).await.is_ok());
        assert!(new.changes(update, vec![text("3")]).await.is_ok());
        world.database.settle("a", &needs(&[("item", "select update")])).await.unwrap();
        assert!(new.changes(update, vec![text("3")]).await.is_ok());
        assert!(matches!(new.changes(insert, vec![text("4")]).await, Err(Error::Denied(_))));
        assert!(matches!(new.rows("SELECT * FROM secret", Vec::new()).await, Err(Error::Denied(_))));
        // A rollback brings them back.
        let mut again = world.component("a", &[("item", "select insert"), ("secret", "select")]).await;
        assert!(again.changes(insert, vec![text("4")]).await.is_ok());
        assert!(again.rows("SELECT * FROM secret", Vec::new()).await.is_ok());
    }

    async fn the_database_is_found_again_as_it_was_left(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select insert")]).await;
        component.changes("INSERT INTO item (id, name) VALUES ('3', 'three')", Vec::new()).await.unwrap();
        drop(component);
        let again = world.another_host().await;
        let mut component = again.open("a", &needs(&[("item", "select insert")])).await.unwrap();
        assert_eq!(component.integer("SELECT count(*) FROM item").await, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_can_not_become_anyone_else_or_leave_the_database() {
    let world = World::postgresql().await.with_tables().await;
    let mut component = world.component("a", &[("item", "select insert update delete")]).await;
    // Turned away by their first word.
    for statement in [
        "SET ROLE postgres",
        "RESET ROLE",
        "SET SESSION AUTHORIZATION postgres",
        "SET search_path = datamp",
        "RESET ALL",
        "DISCARD ALL",
        "DO $$ BEGIN PERFORM 1; END $$",
        "COPY item TO PROGRAM 'true'",
        "COPY item FROM STDIN",
        "COPY secret TO STDOUT",
        "CREATE TABLE x (a INT)",
        "CREATE FUNCTION f() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
        "LISTEN x",
        "NOTIFY x",
        "PREPARE x AS SELECT 1",
        "LOCK TABLE item",
        "TRUNCATE item",
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "CALL x()",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "GRANT ALL ON item TO PUBLIC",
        "DECLARE c CURSOR FOR SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM item",
        "SELECT set_config('role', 'postgres', false)",
        "SELECT query_to_xml('SELECT 1', true, false, '')",
    ] {
        let answer = component.rows(statement, Vec::new()).await;
        assert!(matches!(answer, Err(Error::InvalidStatement(_))), "{statement}: {answer:?}");
    }
    // Turned away by the server.
    for statement in [
        "SELECT * FROM datamp.host_role",
        "SELECT count(*) FROM datamp.host_migration",
        "SELECT * FROM models.secret",
        "SELECT rolpassword FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT * INTO x FROM item",
        "SELECT * INTO TEMP x FROM item",
        "SELECT * INTO public.x FROM item",
        "SELECT * INTO models.x FROM item",
        "SELECT pg_reload_conf()",
        "SELECT * FROM pg_hba_file_rules",
        "INSERT INTO datamp.host_migration VALUES ('models', 9, 'x', 'x', 0)",
        "SELECT pg_stat_reset()",
        "SELECT * FROM pg_largeobject",
        "UPDATE pg_class SET relname = 'x'",
        "SELECT pg_switch_wal()",
    ] {
        let answer = component.rows(statement, Vec::new()).await;
        assert!(matches!(answer, Err(Error::Denied(_))), "{statement}: {answer:?}");
    }
    let role = component.value("SELECT current_user::text").await;
    let Value::Text(role) = role else { panic!() };
    assert!(role.starts_with("datamp_") && role.ends_with("_a"), "{role}");
    let others = "SELECT CAST(count(*) AS BIGINT) FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = current_user)";
    assert_eq!(component.integer(others).await, 0);
    // Statistics of tables that it may not read show no values.
    assert_eq!(component.integer("SELECT CAST(count(*) AS BIGINT) FROM pg_stats WHERE tablename = 'secret'").await, 0);
    assert_eq!(component.integer("SELECT CAST(count(*) AS BIGINT) FROM pg_stat_activity WHERE query LIKE '%secret%' AND usename <> current_user").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serial_column_counts_for_whoever_may_add() {
    let world = World::postgresql().await;
    world
        .migrate(
            "one",
            &["CREATE TABLE a (id BIGSERIAL PRIMARY KEY, n BIGINT GENERATED ALWAYS AS IDENTITY, word TEXT)"],
        )
        .await
        .unwrap();
    let mut component = world.component("a", &[("a", "select insert")]).await;
    assert_eq!(component.integer("INSERT INTO a (word) VALUES ('x') RETURNING id").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_no_superuser_does_as_well_and_one_that_may_not_is_told() {
    let cluster = datamp_test_postgres::Cluster::shared();
    let url = cluster.database();
    let name = url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap().to_owned();
    cluster.run(&format!(
        "CREATE ROLE \"{name}_host\" LOGIN CREATEROLE PASSWORD 'p'; ALTER DATABASE {name} OWNER TO \"{name}_host\""
    ));
    let as_host = url.replace("postgres://postgres@", &format!("postgres://{name}_host:p@"));
    let world = World::at(Some(as_host.clone())).await;
    if let Err(error) = world.migrate("models", &[super::world::TABLES_OF_MODELS]).await {
        panic!("{error}");
    }
    let mut component = world.component("a", &[("item", "select insert")]).await;
    assert_eq!(component.integer("SELECT count(*) FROM item").await, 2);
    assert!(matches!(component.rows("SELECT * FROM secret", Vec::new()).await, Err(Error::Denied(_))));
    world.database.settle("a", &needs(&[("item", "select")])).await.unwrap();
    assert!(matches!(
        component.changes("INSERT INTO item (id, name) VALUES ('3', 'x')", Vec::new()).await,
        Err(Error::Denied(_))
    ));

    cluster.run(&format!("ALTER ROLE \"{name}_host\" NOCREATEROLE"));
    let settings = DatabaseSettings { url: Some(as_host), data_dir: world.settings.data_dir.clone() };
    let error = Database::connect(&settings).await.err().unwrap().to_string();
    assert!(error.contains("CREATEROLE"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_with_a_password_that_the_server_forgot_logs_in_again() {
    let world = World::postgresql().await.with_tables().await;
    let mut component = world.component("a", &[("item", "select")]).await;
    let Value::Text(role) = component.value("SELECT current_user::text").await else { panic!() };
    world.as_host(&format!("ALTER ROLE \"{role}\" PASSWORD 'other'")).await;
    let mut component = world.component("a", &[("item", "select")]).await;
    assert_eq!(component.integer("SELECT count(*) FROM item").await, 2);
    // A role that has become more than a component is not used.
    world.as_host(&format!("ALTER ROLE \"{role}\" CREATEDB")).await;
    let error = world.try_component("a", &[("item", "select")]).await.err().unwrap().to_string();
    assert!(error.contains("attributes"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::sqlite().await.with_tables().await;
    let mut seen = 0;
    for entry in std::fs::read_dir(&world.settings.data_dir).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        seen += 1;
    }
    assert!(seen >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_of_no_database_is_refused_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |url: &str| DatabaseSettings { url: Some(url.to_owned()), data_dir: folder.path().to_owned() };
    let error = Database::connect(&settings("mysql://me:hidden@host/x")).await.err().unwrap().to_string();
    assert!(error.contains("mysql://me@host/x") && !error.contains("hidden"), "{error}");
    let path = folder.path().join("a folder/with ?#%.db");
    let url = format!("sqlite:{}", path.display().to_string().replace('%', "%25").replace('?', "%3F"));
    Database::connect(&settings(&url)).await.unwrap();
    assert!(path.exists());
}
