//! Deadlines and sizes.

use std::time::Duration;

use tokio::time::Instant;

use super::world::{Run as _, World, same, soon, text};
use crate::{
    capabilities::database::sql::{Access, Error, Value},
    rounds::Rounds,
};

fn endless(world: &World) -> &'static str {
    if world.is_sqlite() {
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    } else {
        "SELECT count(*) FROM generate_series(1, 1000000000000) AS x"
    }
}

/// That many rows of one value, made while they are read.
fn rows(count: usize, value: &str) -> String {
    format!(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count}) SELECT {value} AS v FROM n"
    )
}

both! {
    async fn a_statement_ends_at_the_deadline_and_the_next_one_runs(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select update")]).await;
        let rounds = Rounds::begin();
        // More often than there are connections.
        let mut quick = 0;
        while quick < 6 {
            let started = Instant::now();
            let answer = component.query(endless(&world).to_owned(), Vec::new(), started + Duration::from_millis(100)).await;
            assert!(matches!(answer, Err(Error::Timeout)), "{answer:?}");
            quick += u32::from(rounds.quick(started.elapsed(), Duration::from_secs(1)));
            assert_eq!(component.integer("SELECT 1").await, 1);
        }
        let past = component.query("SELECT 1".to_owned(), Vec::new(), Instant::now() - Duration::from_secs(1)).await;
        assert!(matches!(past, Err(Error::Timeout)), "{past:?}");
    }

    async fn a_transaction_ends_at_the_deadline(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select update")]).await;
        // As much time as this machine needs to get so far.
        let mut limit = Duration::from_millis(200);
        let mut open = loop {
            let begun = async {
                let mut open = component.begin(Access::ReadWrite, Instant::now() + limit).await?;
                open.changes("UPDATE item SET level = 99 WHERE id = '1'", Vec::new()).await?;
                Ok::<_, Error>(open)
            };
            match begun.await {
                Ok(open) => break open,
                Err(error) => assert!(matches!(error, Error::Timeout) && limit < Duration::from_secs(20), "{error:?}"),
            }
            limit *= 2;
        };
        let late = open.rows(endless(&world), Vec::new()).await;
        assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
        assert!(matches!(open.commit().await, Err(Error::TransactionEnded)));
        component.changes("UPDATE item SET level = level + 1 WHERE id = '1'", Vec::new()).await.unwrap();
        assert_eq!(component.integer("SELECT level FROM item WHERE id = '1'").await, 11);
    }

    async fn waiting_for_a_connection_ends_at_the_deadline(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(component.begin(Access::ReadOnly, soon()).await.unwrap());
        }
        // On SQLite no short read, which would need none of the connections.
        let count = "SELECT count(*) FROM item";
        let late = component.query(count.to_owned(), Vec::new(), Instant::now() + Duration::from_millis(100)).await;
        assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
        held.pop();
        assert_eq!(component.integer(count).await, 2);
    }

    async fn an_answer_of_too_many_rows_is_too_large(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        assert_eq!(component.rows(&rows(10_000, "1"), Vec::new()).await.unwrap().rows.len(), 10_000);
        let answer = component.rows(&rows(10_001, "1"), Vec::new()).await;
        assert!(matches!(answer, Err(Error::TooLarge)));
        // Far more than is ever read: the limit is kept while reading.
        let rounds = Rounds::begin();
        loop {
            let started = Instant::now();
            let answer = component.rows(&rows(1_000_000_000, "1"), Vec::new()).await;
            assert!(matches!(answer, Err(Error::TooLarge)), "{answer:?}");
            if rounds.quick(started.elapsed(), Duration::from_secs(5)) {
                break;
            }
        }
        assert_eq!(component.integer("SELECT 1").await, 1);
    }

    async fn an_answer_of_too_many_bytes_is_too_large(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        let mebibyte = if world.is_sqlite() { "hex(zeroblob(524288))" } else { "repeat('x', 1048576)" };
        assert_eq!(component.rows(&rows(15, mebibyte), Vec::new()).await.unwrap().rows.len(), 15);
        for count in [17, 1000] {
            let answer = component.rows(&rows(count, mebibyte), Vec::new()).await;
            assert!(matches!(answer, Err(Error::TooLarge)), "{count}");
        }
        let one = if world.is_sqlite() { "SELECT hex(zeroblob(9000000))" } else { "SELECT repeat('x', 18000000)" };
        let answer = component.rows(one, Vec::new()).await;
        assert!(matches!(answer, Err(Error::TooLarge)), "{answer:?}");
        assert_eq!(component.integer("SELECT 1").await, 1);
    }

    async fn large_values_go_both_ways(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("secret", "select insert")]).await;
        let large = text(&"x".repeat(8 << 20));
        component.changes("INSERT INTO secret (id, word) VALUES ('9', $1)", vec![large.clone()]).await.unwrap();
        assert!(same(&component.value("SELECT word FROM secret WHERE id = '9'").await, &large));
    }

    async fn a_statement_that_is_too_long_is_refused(world: World) {
        let world = world.with_tables().await;
        let mut component = world.component("a", &[("item", "select")]).await;
        let long = format!("SELECT '{}'", "x".repeat(1 << 20));
        assert!(matches!(component.rows(&long, Vec::new()).await, Err(Error::InvalidStatement(_))));
        let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
        let answer = component.rows(&deep, Vec::new()).await;
        assert!(matches!(answer, Ok(_) | Err(Error::InvalidStatement(_) | Error::Other(_))), "{:?}", answer.err());
        assert_eq!(component.integer("SELECT 1").await, 1);
        let many = format!("SELECT {}", (1..=2000).map(|n| format!("${n}")).collect::<Vec<_>>().join(" + "));
        let answer = component.rows(&many, vec![Value::Integer(1); 2000]).await;
        assert!(answer.is_ok() || matches!(answer, Err(Error::InvalidStatement(_) | Error::Other(_))), "{answer:?}");
        assert_eq!(component.integer("SELECT 1").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_ends_what_nobody_waits_for() {
    let world = World::postgresql().await.with_tables().await;
    let component = world.component("a", &[("item", "select")]).await;
    let slow = component
        .query("SELECT pg_sleep(300)".to_owned(), Vec::new(), Instant::now() + Duration::from_millis(100))
        .await;
    assert!(matches!(slow, Err(Error::Timeout)));
    // The server does not sleep for a component that has gone on.
    world.until_processes(0, "query LIKE 'SELECT pg_sleep(300)%'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_ended_is_replaced() {
    let world = World::postgresql().await.with_tables().await;
    let mut component = world.component("a", &[("item", "select update")]).await;
    assert_eq!(component.integer("SELECT 1").await, 1);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'datamp a' AND datname = current_database()";
    let ended = async || {
        let _: i64 = sqlx::query_scalar(end).fetch_one(world.database.store().pool()).await.unwrap();
        world.until_processes(0, "application_name = 'datamp a'").await;
    };
    ended().await;
    // A statement that only reads, and a beginning, notice nothing.
    assert_eq!(component.integer("SELECT 1").await, 1);
    ended().await;
    drop(component.begin(Access::ReadWrite, soon()).await.unwrap());
    assert_eq!(component.integer("SELECT 1").await, 1);
    ended().await;
    // Of one that writes, nobody knows whether it ran: it is for the component to say.
    let answer = component.changes("UPDATE item SET level = 1", Vec::new()).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    assert_eq!(component.changes("UPDATE item SET level = 1", Vec::new()).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_interrupted_on_sqlite_takes_no_more_threads_than_the_component_has() {
    let world = World::sqlite().await.with_tables().await;
    let component = world.component("a", &[("item", "select update")]).await;
    // One function, of some seconds: the clock is not looked at within.
    let slow = "SELECT instr(hex(zeroblob(600000)), hex(zeroblob(300000)) || '1')";
    let hasty = || Instant::now() + Duration::from_millis(100);
    let rounds = Rounds::begin();
    loop {
        let answer = component.query(slow.to_owned(), Vec::new(), hasty()).await;
        assert!(matches!(answer, Err(Error::Timeout)), "{answer:?}");
        // One that was not begun in time is not at it: there is another for it.
        if !rounds.done(component.free_readers() == Some(0), "there is room") {
            continue;
        }
        // Its four readers are all still at it.
        let count = component.query("SELECT count(*) FROM item".to_owned(), Vec::new(), hasty()).await;
        if rounds.done(matches!(count, Err(Error::Timeout)), count) {
            break;
        }
    }
    // Short reads do without them.
    assert!(component.query("SELECT 1".to_owned(), Vec::new(), soon()).await.is_ok());
    // Others, and even its own writer, are not.
    let mut other = world.component("b", &[("item", "select")]).await;
    assert_eq!(other.integer("SELECT 1").await, 1);
}
