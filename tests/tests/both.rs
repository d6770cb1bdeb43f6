//! Tests that run on both databases.

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

/// Runs a function of the database as a test on each, under a name for each.
macro_rules! on_both {
    ($($name:ident as $sqlite:ident, $postgresql:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sqlite() {
            $name(datamp_tests::case::Database::Sqlite).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $postgresql() {
            $name(datamp_tests::case::Database::Postgresql).await;
        }
    )+};
}
