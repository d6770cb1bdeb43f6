//! From schedules to runs.

use super::world::{World, retry};
use crate::work::{Kind, settle::Outcome};

const HOURLY: &str = "[schedules.sweep]\ncron = '0 * * * *'\npayload = '[1]'";

/// As if no host had been up for three hours and more.
/// Four hours.
const LONG_AGO: &str = "UPDATE host_schedule SET next_at = next_at - 14400000000";

both! {
    async fn a_time_that_came_makes_one_run_on_one_host_and_the_latest_of_those_that_were_missed(world: World) {
        let mut world = world;
        world.active("doer", HOURLY).await;
        let wait = world.queue.tick("doer").await.unwrap().unwrap();
        assert!(wait.as_secs() <= 3600);
        assert!(world.queue.claim_new(Kind::Job, "doer").await.is_empty());
        let [schedule] = world.queue.schedules().await.unwrap().try_into().unwrap();
        world.change(LONG_AGO).await;
        let other = world.another_host().await;
        let (one, two) = tokio::join!(world.queue.tick("doer"), other.tick("doer"));
        one.unwrap();
        two.unwrap();
        let [item] = world.queue.claim_new(Kind::Job, "doer").await.try_into().unwrap();
        assert_eq!((item.name.as_str(), item.key.as_str(), item.payload.as_str()), ("sweep", "", "[1]"));
        // The last full hour, and the next one is waited for.
        assert_eq!(item.scheduled_for % 3_600_000_000, 0);
        assert!((0..3_600_000_000).contains(&(item.created_at - item.scheduled_for)), "{item:?}");
        let [after] = world.queue.schedules().await.unwrap().try_into().unwrap();
        assert!(after.next_at >= schedule.next_at);
        world.queue.settle_all(Kind::Job, &[item], &Outcome::Done, 3).await;
        world.queue.tick("doer").await.unwrap().unwrap();
        assert_eq!(world.queue.count(Kind::Job, false).await, 0);
    }

    async fn while_a_run_is_there_its_schedule_rests(world: World) {
        world.active("doer", HOURLY).await;
        world.change(LONG_AGO).await;
        world.queue.tick("doer").await.unwrap();
        let items = world.queue.claim_new(Kind::Job, "doer").await;
        world.change(LONG_AGO).await;
        // Under way, and then waiting to be tried again.
        for _ in 0..2 {
            assert_eq!(world.queue.tick("doer").await.unwrap(), None);
            assert_eq!(world.queue.count(Kind::Job, false).await, 1);
            world.queue.settle_all(Kind::Job, &items, &retry("not now"), 3).await;
        }
        let item = world.queue.claim_again(Kind::Job, "doer").await.unwrap();
        world.queue.settle_all(Kind::Job, &[item], &Outcome::Reject("never".to_owned()), 3).await;
        // A dead one is in nobody's way.
        world.queue.tick("doer").await.unwrap();
        assert_eq!((world.queue.count(Kind::Job, false).await, world.queue.count(Kind::Job, true).await), (1, 1));
    }

    async fn a_swap_keeps_the_time_of_a_schedule_that_stays_and_ends_one_that_goes(world: World) {
        world.active("doer", HOURLY).await;
        world.change("UPDATE host_schedule SET next_at = next_at - 1").await;
        let next_at = || async { world.queue.schedules().await.unwrap()[0].next_at.clone().unwrap() };
        let before = next_at().await;
        world.active("doer", HOURLY).await;
        assert_eq!(next_at().await, before);
        world.active("doer", "[schedules.sweep]\ncron = '30 3 * * *'").await;
        assert_ne!(next_at().await, before);
        assert!(next_at().await.contains("T03:30:00"));
        world.change(LONG_AGO).await;
        world.change("UPDATE host_schedule SET next_at = 0").await;
        world.queue.tick("doer").await.unwrap();
        assert_eq!(world.queue.count(Kind::Job, false).await, 1);
        world.active("doer", "").await;
        assert!(world.queue.schedules().await.unwrap().is_empty());
        assert_eq!(world.queue.count(Kind::Job, false).await, 0);
    }
}
