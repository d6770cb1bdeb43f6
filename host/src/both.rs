//! Tests that run on both databases. A module that uses it has a `World`, with `World::sqlite()` and `World::postgresql()`.

/// Runs a test on each database: `both!(async fn name(world: World) { ... })`.
macro_rules! both {
    ($(async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgresql() {
                test(World::postgresql().await).await;
            }
        }
    )*};
}
