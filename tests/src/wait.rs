//! Waiting for something to come about, without a fixed time.

use std::time::{Duration, Instant};

/// How long something may take to come about: a lease is longer than a request, and a machine may be busy.
pub const LONG: Duration = Duration::from_secs(240);

/// Asks again and again until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < LONG, "it has not come about: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
