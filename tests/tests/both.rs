//! Tests that run on both databases, each on a platform of its own.

/// Runs a test on each database, on a platform of its own.
macro_rules! both {
    ($(async fn $name:ident($host:ident: Host) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($host: Host) $body

            #[tokio::test]
            async fn on_sqlite() {
                test(datamp_tests::shop::platform(datamp_tests::case::Database::Sqlite).await).await;
            }

            #[tokio::test]
            async fn on_postgresql() {
                test(datamp_tests::shop::platform(datamp_tests::case::Database::Postgresql).await).await;
            }
        }
    )*};
}
