//! Several at once: hosts that start, apply the same migrations, or open the same component.

use super::world::{Run as _, World, needs, set};
use crate::capabilities::database::Database;

both! {
    async fn two_hosts_apply_a_set_once(world: World) {
        let other = world.another_host().await;
        let steps: Vec<String> = (1..=5).map(|n| format!("CREATE TABLE t{n} (id BIGINT); INSERT INTO t{n} VALUES (1)")).collect();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let set = set("one", &steps);
        let (here, there) = tokio::join!(world.database.migrate(&set), other.migrate(&set));
        let mut applied = [here.unwrap(), there.unwrap()].concat();
        applied.sort_unstable();
        assert_eq!(applied, [1, 2, 3, 4, 5]);
        let mut component = world.component("a", &[("t5", "select")]).await;
        assert_eq!(component.integer("SELECT count(*) FROM t5").await, 1);
    }

    async fn hosts_open_the_same_components_at_once(world: World) {
        let world = world.with_tables().await;
        let other = world.another_host().await;
        let rights = needs(&[("item", "select insert")]);
        let names = ["a", "b", "c", "d"];
        let open = |database: Database| {
            let rights = rights.clone();
            async move { futures::future::join_all(names.map(|name| database.open(name, &rights))).await }
        };
        let (here, there) = tokio::join!(open(world.database.clone()), open(other));
        for component in here.into_iter().chain(there) {
            let mut component = component.unwrap();
            assert_eq!(component.integer("SELECT count(*) FROM item").await, 2);
        }
    }

    async fn hosts_start_at_once(world: World) {
        let settings = if world.is_sqlite() {
            let data_dir = world.settings.data_dir.join("new");
            crate::capabilities::database::DatabaseSettings { url: None, data_dir }
        } else {
            let url = datamp_test_postgres::Cluster::shared().database();
            crate::capabilities::database::DatabaseSettings { url: Some(url), data_dir: world.settings.data_dir.clone() }
        };
        for database in futures::future::join_all((0..4).map(|_| Database::connect(&settings))).await {
            database.unwrap();
        }
    }
}
