//! Work is added within a component's transaction, and by the host alone.

use super::world::{World, events, is_denied, job, key, payloads, soon};
use crate::{
    capabilities::database::{
        HostCall,
        sql::{Access, Error, Value},
    },
    manifest::Manifest,
    work::Kind,
};

const SUBSCRIBES: &str = "[messaging]\nsubscribes = ['a.*']";
const PUBLISHES: &str = "[messaging]\npublishes = ['a.*']";

both! {
    async fn an_event_is_there_exactly_if_its_transaction_commits(world: World) {
        world.active("taker", SUBSCRIBES).await;
        world.active("maker", PUBLISHES).await;
        let maker = world.connections("maker").await;
        for (payload, commits, there) in [("1", true, 0), ("2", false, 1), ("3", true, 1)] {
            let mut open = maker.begin(Access::ReadWrite, soon()).await.unwrap();
            assert!(!open.defers_work());
            assert_eq!(open.call(HostCall::Publish, "maker", events("a.b", &[payload])).await.unwrap(), 1);
            assert!(open.defers_work());
            assert_eq!(world.queue.count(Kind::Event, false).await, there);
            if commits { open.commit().await.unwrap() } else { open.rollback().await.unwrap() }
        }
        // One that is dropped is undone on a task of its own.
        let mut open = maker.begin(Access::ReadWrite, soon()).await.unwrap();
        open.call(HostCall::Publish, "maker", events("a.b", &["4"])).await.unwrap();
        drop(open);
        world.queue.release_own().await.unwrap();
        let letters = world.queue.letters(Kind::Event, &Default::default()).await.unwrap();
        let mut seen: Vec<_> = letters.iter().map(|letter| (letter.payload.as_str(), letter.origin.as_str())).collect();
        seen.sort_unstable();
        assert_eq!(seen, [("1", "maker"), ("3", "maker")]);
    }

    async fn each_subscriber_has_its_own_and_only_what_it_subscribed_to(world: World) {
        world.active("one", "[messaging]\nsubscribes = ['a.b', 'a.*']").await;
        world.active("two", "[messaging]\nsubscribes = ['a.b']").await;
        world.active("three", "[messaging]\nsubscribes = ['a.b.c.*', 'a']").await;
        assert_eq!(world.publish("maker", "a.b", &["1"]).await, 2);
        assert_eq!(world.publish("maker", "a.b.c", &["2"]).await, 1);
        assert_eq!(world.publish("maker", "a", &["3"]).await, 1);
        assert_eq!(world.publish("maker", "ab", &["4"]).await, 0);
        assert_eq!(payloads(&world.queue.claim_new(Kind::Event, "one").await), ["1", "2"]);
        assert_eq!(payloads(&world.queue.claim_new(Kind::Event, "two").await), ["1"]);
        assert_eq!(payloads(&world.queue.claim_new(Kind::Event, "three").await), ["3"]);
        // A version that subscribes to less is sent less.
        world.active("one", "").await;
        assert_eq!(world.publish("maker", "a.b", &["5"]).await, 1);
    }

    async fn a_version_publishes_until_it_has_drained_though_the_next_one_does_not(world: World) {
        world.active("taker", SUBSCRIBES).await;
        world.active("maker", PUBLISHES).await;
        let maker = world.connections("maker").await;
        let next = Manifest::parse("name = 'maker'\nversion = '2.0.0'").unwrap();
        world.queue.expand(&next, false).await.unwrap();
        world.queue.end(&next).await.unwrap();
        let mut open = maker.begin(Access::ReadWrite, soon()).await.unwrap();
        assert_eq!(open.call(HostCall::Publish, "maker", events("a.b", &["1"])).await.unwrap(), 1);
        assert_eq!(open.call(HostCall::Schedule, "maker", job("n", "k", 0, "2")).await.unwrap(), 1);
        open.commit().await.unwrap();

        world.queue.revoke(&next, false).await.unwrap();
        // On SQLite it is the host alone that publishes, and holds each version to its own manifest.
        if !world.is_sqlite() {
            let mut open = maker.begin(Access::ReadWrite, soon()).await.unwrap();
            let denied = open.call(HostCall::Publish, "maker", events("a.b", &["3"])).await;
            assert!(is_denied(&denied), "{denied:?}");
        }
        assert_eq!(payloads(&world.queue.claim_new(Kind::Event, "taker").await), ["1"]);
    }

    async fn a_component_reaches_the_hosts_tables_by_no_sql_of_its_own(world: World) {
        world.active("taker", SUBSCRIBES).await;
        world.active("maker", PUBLISHES).await;
        world.publish("maker", "a.b", &["1"]).await;
        let maker = world.connections("maker").await;
        // Once the host's own statement was prepared on its connection.
        let mut open = maker.begin(Access::ReadWrite, soon()).await.unwrap();
        open.call(HostCall::Publish, "maker", events("a.b", &["2"])).await.unwrap();
        open.commit().await.unwrap();
        let schema = if world.is_sqlite() { "" } else { "datamp." };
        for table in ["host_work", "host_topic", "host_schedule", "host_caller"] {
            for statement in [format!("SELECT * FROM {schema}{table}"), format!("DELETE FROM {schema}{table}")] {
                assert!(is_denied(&maker.execute(statement.clone(), vec![], soon()).await), "{statement}");
            }
        }
        for statement in [
            format!("INSERT INTO {schema}host_topic (component, direction, topic, wildcard) VALUES ('maker', 'publish', 'x', 0)"),
            format!("UPDATE {schema}host_work SET component = 'maker'"),
            format!("INSERT INTO {schema}host_work (id, kind, component, name, key, origin, payload, trace, created_at, scheduled_for, due_at, attempts) \
                     VALUES ('1', 'event', 'taker', 'x', '1', 'taker', '1', '', 0, 0, 0, 0)"),
        ] {
            assert!(is_denied(&maker.execute(statement.clone(), vec![], soon()).await), "{statement}");
        }
        if world.is_sqlite() {
            let mut parameters = vec![Value::Text("taker".to_owned())];
            parameters.extend(events("a.b", &["3"]));
            for (call, parameters) in [(HostCall::Publish, parameters), (HostCall::Cancel, {
                let mut parameters = vec![Value::Text("taker".to_owned())];
                parameters.extend(key("n", "k"));
                parameters
            })] {
                assert!(is_denied(&maker.execute(call.on_sqlite().to_owned(), parameters, soon()).await), "{call:?}");
            }
        }
        assert_eq!(world.queue.claim_new(Kind::Event, "taker").await.len(), 2);
    }

    async fn a_call_that_is_wrong_ends_the_transaction_and_one_that_only_reads_can_defer_nothing(world: World) {
        world.active("maker", PUBLISHES).await;
        let maker = world.connections("maker").await;
        let mut open = maker.begin(Access::ReadOnly, soon()).await.unwrap();
        let denied = open.call(HostCall::Schedule, "maker", job("n", "k", 0, "1")).await;
        assert!(is_denied(&denied), "{denied:?}");
        assert!(matches!(open.commit().await, Err(Error::TransactionEnded)));
    }

    async fn jobs_are_replaced_and_cancelled_by_their_key(world: World) {
        world.active("doer", "").await;
        let doer = world.connections("doer").await;
        let mut open = doer.begin(Access::ReadWrite, soon()).await.unwrap();
        for (name, of, payload) in [("n", "k", "1"), ("n", "other", "2"), ("m", "k", "3"), ("n", "k", "4")] {
            assert_eq!(open.call(HostCall::Schedule, "doer", job(name, of, 0, payload)).await.unwrap(), 1);
        }
        open.commit().await.unwrap();
        // Cancelled in a transaction that is rolled back: not cancelled.
        let mut open = doer.begin(Access::ReadWrite, soon()).await.unwrap();
        assert_eq!(open.call(HostCall::Cancel, "doer", key("m", "k")).await.unwrap(), 1);
        open.rollback().await.unwrap();
        let cancel = |name: &'static str, of: &'static str| world.database.call(HostCall::Cancel, "doer", key(name, of), soon());
        assert_eq!(cancel("n", "other").await.unwrap(), 1);
        assert_eq!(cancel("n", "other").await.unwrap(), 0);
        // Another component's are not its own.
        assert_eq!(world.database.call(HostCall::Cancel, "other", key("n", "k"), soon()).await.unwrap(), 0);
        assert_eq!(payloads(&world.queue.claim_new(Kind::Job, "doer").await), ["3", "4"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_the_functions_hold_whoever_calls_them_to_its_rights() {
    let world = World::postgresql().await;
    world.active("taker", "[messaging]\nsubscribes = ['a.*', 'b.*']").await;
    world.active("maker", PUBLISHES).await;
    let maker = world.connections("maker").await;
    let publish = |topic: &str, payload: &str| {
        let statement = "SELECT datamp_calls.publish($1, $2, $3, $4)".to_owned();
        maker.query(statement, events(topic, &[payload]), soon())
    };
    publish("a.b", "1").await.unwrap();
    for topic in ["b.c", "a", "a.B", "a.", "c.d"] {
        assert!(is_denied(&publish(topic, "1").await), "{topic}");
    }
    assert!(publish("a.b", "{").await.is_err());
    let long = format!("\"{}\"", "x".repeat(262_144));
    assert!(publish("a.b", &long).await.is_err());
    for statement in [
        "SELECT datamp.publish_as('taker', '{1}', '{b.c}', '{1}', '')",
        "SELECT datamp.cancel_as('taker', '{n}', '{k}')",
        "SELECT datamp.caller_for('publish')",
    ] {
        let answer = maker.query(statement.to_owned(), vec![], soon()).await;
        assert!(is_denied(&answer), "{statement}: {answer:?}");
    }
    // A component that names no topic, and has no job.
    let manifest = Manifest::parse("name = 'other'\nversion = '1.0.0'").unwrap();
    world.queue.expand(&manifest, false).await.unwrap();
    let other = world.connections("other").await;
    let answer =
        other.query("SELECT datamp_calls.publish($1, $2, $3, $4)".to_owned(), events("a.b", &["1"]), soon()).await;
    assert!(is_denied(&answer), "{answer:?}");
    let answer = other.query("SELECT datamp_calls.cancel($1, $2)".to_owned(), key("n", "k"), soon()).await;
    assert!(is_denied(&answer), "{answer:?}");
    // What was published bears the name of who did.
    let [item] = world.queue.claim_new(Kind::Event, "taker").await.try_into().unwrap();
    assert_eq!((item.origin.as_str(), item.name.as_str()), ("maker", "a.b"));
    // Rights on tables are taken back after a swap; this one stays.
    world.database.settle("maker", &crate::manifest::DatabaseNeeds::default()).await.unwrap();
    publish("a.b", "2").await.unwrap();
}
