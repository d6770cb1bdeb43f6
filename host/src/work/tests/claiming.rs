//! Claims, leases, retries, dead letters.

use std::{collections::BTreeSet, time::Duration};

use super::world::{LEASE, World, job, payloads, policy, retry, soon};
use crate::{
    capabilities::database::HostCall,
    work::{Kind, LetterFilter, LetterState, settle::Outcome},
};

const SUBSCRIBES: &str = "[messaging]\nsubscribes = ['a.*']";

both! {
    async fn several_hosts_claim_each_event_once(world: World) {
        let mut world = world;
        world.active("taker", SUBSCRIBES).await;
        let payloads: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
        for _ in 0..3 {
            world.publish("maker", "a.b", &payloads).await;
        }
        let hosts = [world.queue.clone(), world.another_host().await, world.another_host().await];
        let mut claims = tokio::task::JoinSet::new();
        for host in hosts {
            claims.spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let items = host.claim(Kind::Event, "taker", false, 7, LEASE).await.unwrap();
                    if items.is_empty() && host.next(Kind::Event, "taker").await.unwrap().is_none_or(|next| !next.wait.is_zero()) {
                        return ids;
                    }
                    ids.extend(items.into_iter().map(|item| item.id));
                }
            });
        }
        let ids: Vec<String> = claims.join_all().await.concat();
        assert_eq!(ids.len(), 300);
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 300);
    }

    async fn what_a_host_left_behind_is_taken_over_after_the_lease_and_at_once_after_its_restart(world: World) {
        let mut world = world;
        world.active("taker", SUBSCRIBES).await;
        world.publish("maker", "a.b", &["1"]).await;
        let other = world.another_host().await;
        let first = world.queue.claim(Kind::Event, "taker", false, 10, Duration::ZERO).await.unwrap();
        assert_eq!(first[0].attempts, 1);
        // Its lease has ended.
        let second = other.claim_again(Kind::Event, "taker").await.unwrap();
        assert_eq!((second.attempts, &second.key), (2, &first[0].key));
        // Whoever comes too late changes nothing of the new claim.
        world.queue.settle_all(Kind::Event, &first, &retry("late"), 10).await;
        world.queue.settle_all(Kind::Event, &first, &Outcome::Reject("late".to_owned()), 10).await;
        assert!(world.queue.claim_again(Kind::Event, "taker").await.is_none());
        assert_eq!(world.queue.count(Kind::Event, true).await, 0);
        // A host that comes back takes up its own, and nobody else's.
        assert_eq!(world.restarted().release_own().await.unwrap(), 0);
        assert_eq!(other.release_own().await.unwrap(), 1);
        let third = world.queue.claim_again(Kind::Event, "taker").await.unwrap();
        assert_eq!(world.restarted().release_own().await.unwrap(), 1);
        assert_eq!(third.attempts, 3);
        // Delivered is delivered, whoever did it.
        world.queue.settle_all(Kind::Event, &first, &Outcome::Done, 10).await;
        assert_eq!(world.queue.count(Kind::Event, false).await, 0);
    }

    async fn what_fails_is_tried_as_often_as_the_policy_says_and_is_dead_then_and_replayed(world: World) {
        world.active("taker", SUBSCRIBES).await;
        world.publish("maker", "a.b", &["1"]).await;
        let mut items = world.queue.claim_new(Kind::Event, "taker").await;
        for attempt in 1..=3 {
            assert_eq!(items[0].attempts, attempt);
            world.queue.settle_all(Kind::Event, &items, &retry("no\0t now"), 3).await;
            items = world.queue.claim_again(Kind::Event, "taker").await.into_iter().collect();
            assert_eq!(items.is_empty(), attempt == 3);
        }
        let dead = LetterFilter { dead: Some(true), ..LetterFilter::default() };
        let [letter] = world.queue.letters(Kind::Event, &dead).await.unwrap().try_into().unwrap();
        assert_eq!((letter.state, letter.attempts, letter.last_error.as_deref()), (LetterState::Dead, 3, Some("not now")));
        assert!(letter.dead_at.is_some());
        assert_eq!(world.queue.replay(Kind::Event, "", "", "no such").await.unwrap(), 0);
        assert_eq!(world.queue.replay(Kind::Event, "taker", "a.c", "").await.unwrap(), 0);
        assert_eq!(world.queue.replay(Kind::Event, "", "", &letter.id).await.unwrap(), 1);
        let items = world.queue.claim_new(Kind::Event, "taker").await;
        assert_eq!((items[0].attempts, items[0].key.as_str()), (1, letter.key.as_str()));
        world.queue.settle_all(Kind::Event, &items, &Outcome::Reject("never".to_owned()), 3).await;
        assert_eq!(world.queue.replay(Kind::Event, "taker", "a.b", "").await.unwrap(), 1);
        let items = world.queue.claim_new(Kind::Event, "taker").await;
        world.queue.settle_all(Kind::Event, &items, &Outcome::Done, 3).await;
        assert_eq!(world.queue.count(Kind::Event, true).await + world.queue.count(Kind::Event, false).await, 0);
    }

    async fn an_attempt_that_the_component_was_not_there_for_is_not_counted(world: World) {
        world.active("taker", SUBSCRIBES).await;
        world.publish("maker", "a.b", &["1"]).await;
        for _ in 0..5 {
            let mut items = world.queue.claim_new(Kind::Event, "taker").await;
            while items.is_empty() {
                // The delay of this policy is a millisecond at most.
                tokio::task::yield_now().await;
                items = world.queue.claim_new(Kind::Event, "taker").await;
            }
            assert_eq!(items[0].attempts, 1);
            world.queue.settle_all(Kind::Event, &items, &Outcome::Unserved("busy".to_owned()), 2).await;
        }
        assert_eq!(world.queue.count(Kind::Event, true).await, 0);
    }

    async fn a_delay_is_waited_for(world: World) {
        world.active("taker", SUBSCRIBES).await;
        world.publish("maker", "a.b", &["1"]).await;
        let items = world.queue.claim_new(Kind::Event, "taker").await;
        let later = Outcome::Retry { after: Some(Duration::from_secs(100)), reason: String::new() };
        let began = std::time::Instant::now();
        world.queue.settle_all(Kind::Event, &items, &later, 3).await;
        assert!(world.queue.claim_again(Kind::Event, "taker").await.is_none());
        let next = world.queue.next(Kind::Event, "taker").await.unwrap().unwrap();
        let whole = next.wait + began.elapsed();
        assert!(next.again && next.wait.as_secs() <= 100 && whole.as_secs() >= 90, "{next:?}");
        // No component asks for more than a week.
        world.change("UPDATE host_work SET due_at = 0").await;
        let item = world.queue.claim_again(Kind::Event, "taker").await.unwrap();
        let ages = Outcome::Retry { after: Some(Duration::from_secs(u64::from(u32::MAX))), reason: String::new() };
        world.queue.settle_all(Kind::Event, &[item], &ages, 3).await;
        let next = world.queue.next(Kind::Event, "taker").await.unwrap().unwrap();
        assert!(next.wait.as_secs() <= 604_800, "{next:?}");
    }

    async fn a_job_that_is_scheduled_anew_while_it_runs_runs_again(world: World) {
        world.active("doer", "").await;
        let schedule = |payload: &'static str| world.database.call(HostCall::Schedule, "doer", job("n", "k", 0, payload), soon());
        schedule("1").await.unwrap();
        let first = world.queue.claim_new(Kind::Job, "doer").await;
        schedule("2").await.unwrap();
        // The end of the first run is not the end of the second.
        world.queue.settle_all(Kind::Job, &first, &Outcome::Done, 3).await;
        let second = world.queue.claim_new(Kind::Job, "doer").await;
        assert_eq!((payloads(&second), second[0].attempts), (vec!["2"], 1));
        world.queue.settle_all(Kind::Job, &second, &Outcome::Done, 3).await;
        assert_eq!(world.queue.count(Kind::Job, false).await, 0);
        // A dead letter does not stand in the way, and does not come back in its place.
        schedule("3").await.unwrap();
        let third = world.queue.claim_new(Kind::Job, "doer").await;
        world.queue.settle_all(Kind::Job, &third, &Outcome::Reject("no".to_owned()), 3).await;
        schedule("4").await.unwrap();
        assert_eq!(world.queue.replay(Kind::Job, "doer", "", "").await.unwrap(), 0);
        assert_eq!(payloads(&world.queue.claim_new(Kind::Job, "doer").await), ["4"]);
    }
}

#[test]
fn the_policy_of_these_tests_is_as_they_say() {
    assert!(policy(3).delay(10, 1.0) < Duration::from_secs(1));
}
