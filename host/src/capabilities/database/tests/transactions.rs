//! Transactions: what lasts, what does not, and what is left behind.

use std::time::Duration;

use tokio::time::Instant;

use super::world::{Run as _, World, soon, text};
use crate::{
    capabilities::database::{
        ComponentDatabase,
        sql::{Access, Error, Value},
    },
    rounds::Rounds,
};

const ALL: &[(&str, &str)] = &[("item", "select insert update delete")];

async fn items(component: &mut ComponentDatabase) -> i64 {
    component.integer("SELECT count(*) FROM item").await
}

/// Waits until whatever was dropped has been rolled back, as seen by a writer.
async fn settled(component: &mut ComponentDatabase) {
    component.changes("UPDATE item SET level = level WHERE id = '1'", Vec::new()).await.unwrap();
}

both! {
    async fn a_commit_lasts_and_a_rollback_does_not(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
        open.changes("INSERT INTO item (id, name) VALUES ($1, $2)", vec![text("3"), text("three")]).await.unwrap();
        assert_eq!(open.integer("SELECT count(*) FROM item").await, 3);
        // Others don't see it yet, and don't wait.
        assert_eq!(items(&mut component).await, 2);
        open.commit().await.unwrap();
        assert_eq!(items(&mut component).await, 3);

        let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
        open.changes("DELETE FROM item WHERE id = $1", vec![text("3")]).await.unwrap();
        open.rollback().await.unwrap();
        assert_eq!(items(&mut component).await, 3);
    }

    async fn dropped_it_is_rolled_back_and_its_connection_serves_on(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        // More often than there are connections.
        for round in 0..20 {
            let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
            open.changes("INSERT INTO item (id, name) VALUES ($1, $1)", vec![text(&format!("n{round}"))]).await.unwrap();
            drop(open);
        }
        settled(&mut component).await;
        assert_eq!(items(&mut component).await, 2);
        for _ in 0..20 {
            drop(component.begin(Access::ReadOnly, soon()).await.unwrap());
        }
        assert_eq!(items(&mut component).await, 2);
    }

    async fn dropped_within_a_statement_it_is_rolled_back_too(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        let slow = if world.is_sqlite() {
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        } else {
            "SELECT pg_sleep(600)"
        };
        let rounds = Rounds::begin();
        loop {
            for round in 0..6 {
                let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
                open.changes("INSERT INTO item (id, name) VALUES ($1, $1)", vec![text(&format!("n{round}"))]).await.unwrap();
                let cut = tokio::time::timeout(Duration::from_millis(50), open.rows(slow, Vec::new())).await;
                assert!(cut.is_err());
                drop(open);
            }
            // A statement of nobody's holds the lock for no longer.
            let started = Instant::now();
            settled(&mut component).await;
            if rounds.quick(started.elapsed(), Duration::from_secs(5)) {
                break;
            }
        }
        assert_eq!(items(&mut component).await, 2);
    }

    async fn reading_alone_means_reading_alone(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        for statement in ["INSERT INTO item (id, name) VALUES ('9', 'x')", "UPDATE item SET name = 'x' WHERE id = '1'", "DELETE FROM item"] {
            // Prepared before by a writer: a cached statement must not slip through.
            let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
            open.changes(statement, Vec::new()).await.unwrap();
            open.rollback().await.unwrap();
            let mut open = component.begin(Access::ReadOnly, soon()).await.unwrap();
            let answer = open.changes(statement, Vec::new()).await;
            assert!(matches!(answer, Err(Error::Denied(_))), "{statement}: {answer:?}");
        }
        if !world.is_sqlite() {
            let mut open = component.begin(Access::ReadOnly, soon()).await.unwrap();
            let hidden = open.rows("WITH gone AS (DELETE FROM item RETURNING id) SELECT id FROM gone", Vec::new()).await;
            assert!(matches!(hidden, Err(Error::Denied(_))), "{hidden:?}");
        }
        assert_eq!(items(&mut component).await, 2);
    }

    async fn a_reader_has_one_view_of_it_all(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        let mut reader = component.begin(Access::ReadOnly, soon()).await.unwrap();
        assert_eq!(reader.integer("SELECT count(*) FROM item").await, 2);
        component.changes("INSERT INTO item (id, name) VALUES ('3', 'three')", Vec::new()).await.unwrap();
        assert_eq!(reader.integer("SELECT count(*) FROM item").await, 2);
        reader.commit().await.unwrap();
        assert_eq!(items(&mut component).await, 3);
    }

    async fn an_error_ends_it(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        for statement in ["INSERT INTO item (id, name) VALUES ('1', 'x')", "SELECT * FROM secret", "SELEC", "COMMIT", "ROLLBACK", "SAVEPOINT a"] {
            let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
            open.changes("INSERT INTO item (id, name) VALUES ('3', 'three')", Vec::new()).await.unwrap();
            assert!(open.changes(statement, Vec::new()).await.is_err(), "{statement}");
            let after = open.rows("SELECT 1", Vec::new()).await;
            assert!(matches!(after, Err(Error::TransactionEnded)), "{statement}: {after:?}");
            assert!(matches!(open.commit().await, Err(Error::TransactionEnded)), "{statement}");
            settled(&mut component).await;
            assert_eq!(items(&mut component).await, 2, "{statement}");
        }
    }

    async fn a_deferred_constraint_fails_the_commit(world: World) {
        let table = "CREATE TABLE parent (id BIGINT PRIMARY KEY); \
            CREATE TABLE child (id BIGINT PRIMARY KEY, parent_id BIGINT NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)";
        world.migrate("family", &[table]).await.unwrap();
        let mut component = world.component("a", &[("parent", "select insert"), ("child", "select insert")]).await;
        let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
        open.changes("INSERT INTO child (id, parent_id) VALUES (1, 1)", Vec::new()).await.unwrap();
        assert!(matches!(open.commit().await, Err(Error::ForeignKeyViolation(_))));
        let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
        open.changes("INSERT INTO child (id, parent_id) VALUES (1, 1)", Vec::new()).await.unwrap();
        open.changes("INSERT INTO parent (id) VALUES (1)", Vec::new()).await.unwrap();
        open.commit().await.unwrap();
        assert_eq!(component.integer("SELECT count(*) FROM child").await, 1);
    }

    async fn writers_wait_for_each_other_and_for_no_longer_than_their_deadline(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", ALL).await;
        let rounds = Rounds::begin();
        loop {
            let mut first = component.begin(Access::ReadWrite, soon()).await.unwrap();
            first.changes("UPDATE item SET level = 1 WHERE id = '1'", Vec::new()).await.unwrap();
            let started = Instant::now();
            let deadline = started + Duration::from_millis(300);
            let late = component.execute("UPDATE item SET level = 2 WHERE id = '1'".to_owned(), Vec::new(), deadline).await;
            assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
            let took = started.elapsed();
            if !world.is_sqlite() {
                // Of one that came too late nobody knows; here the server has ended it, and has the first one's process alone.
                world.until_processes(1, "application_name = 'datamp a'").await;
            }
            let (changed, ()) = tokio::join!(
                biased;
                component.changes("UPDATE item SET level = level + 5 WHERE id = '1'", Vec::new()),
                async {
                    // On SQLite it has waited since it was asked for.
                    if !world.is_sqlite() {
                        world.until_processes(1, "wait_event_type = 'Lock'").await;
                    }
                    first.commit().await.unwrap();
                }
            );
            assert_eq!(changed.unwrap(), 1);
            assert_eq!(component.integer("SELECT level FROM item WHERE id = '1'").await, 6);
            if rounds.quick(took, Duration::from_secs(2)) {
                break;
            }
        }
    }

    async fn many_writers_lose_nothing(world: World) {
        let world = world.with_tables().await;
        let component = world.component("a", ALL).await;
        let other = world.component("b", ALL).await;
        let mut tasks = Vec::new();
        for number in 0..8 {
            let component = if number % 2 == 0 { component.clone() } else { other.clone() };
            tasks.push(tokio::spawn(async move {
                for _ in 0..10 {
                    let mut open = component.begin(Access::ReadWrite, soon()).await.unwrap();
                    let locked = if component.dialect() == crate::capabilities::database::sql::Dialect::Sqlite { "" } else { " FOR UPDATE" };
                    let level = open.integer(&format!("SELECT level FROM item WHERE id = '1'{locked}")).await;
                    open.changes("UPDATE item SET level = $1 WHERE id = '1'", vec![Value::Integer(level + 1)]).await.unwrap();
                    open.commit().await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let mut component = component;
        assert_eq!(component.integer("SELECT level FROM item WHERE id = '1'").await, 90);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_on_postgresql_is_a_conflict() {
    let world = World::postgresql().await.with_tables().await;
    let component = world.component("a", ALL).await;
    let (mut one, mut two) = (
        component.begin(Access::ReadWrite, soon()).await.unwrap(),
        component.begin(Access::ReadWrite, soon()).await.unwrap(),
    );
    one.changes("UPDATE item SET level = 1 WHERE id = '1'", Vec::new()).await.unwrap();
    two.changes("UPDATE item SET level = 2 WHERE id = '2'", Vec::new()).await.unwrap();
    let (first, second) = tokio::join!(
        one.changes("UPDATE item SET level = 1 WHERE id = '2'", Vec::new()),
        two.changes("UPDATE item SET level = 2 WHERE id = '1'", Vec::new()),
    );
    let conflicts = [&first, &second].iter().filter(|answer| matches!(answer, Err(Error::Conflict))).count();
    assert_eq!(conflicts, 1, "{first:?} {second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_of_another_process_is_waited_for_on_sqlite() {
    let world = World::sqlite().await.with_tables().await;
    let component = world.component("a", ALL).await;
    // Another host has writers of its own.
    let other = world.another_host().await;
    let theirs = other.open("a", &super::world::needs(ALL)).await.unwrap();
    let rounds = Rounds::begin();
    let first = loop {
        let mut first = theirs.begin(Access::ReadWrite, soon()).await.unwrap();
        first.changes("UPDATE item SET level = 1 WHERE id = '1'", Vec::new()).await.unwrap();
        let started = Instant::now();
        let late = component.begin(Access::ReadWrite, started + Duration::from_millis(300)).await.err();
        assert!(matches!(late, Some(Error::Timeout | Error::Conflict)), "{late:?}");
        if rounds.quick(started.elapsed(), Duration::from_secs(2)) {
            break first;
        }
    };
    let mut waiting = component.clone();
    let waiting =
        tokio::spawn(async move { waiting.changes("UPDATE item SET level = 7 WHERE id = '1'", Vec::new()).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    first.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}
