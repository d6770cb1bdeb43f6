//! Writing down what came of claimed work.

use std::time::Duration;

use super::{
    Kind, Queue,
    claim::Item,
    micros,
    retry::{Policy, asked},
};

/// What came of one piece of work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// It is gone.
    Done,
    /// To be tried again, after this delay or the host's own.
    Retry { after: Option<Duration>, reason: String },
    /// A dead letter.
    Reject(String),
    /// The component was not there for it (all its instances were at work, or it was being replaced): to be tried again, and not counted.
    Unserved(String),
}

/// How many came to what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    pub(super) done: u64,
    pub(super) retried: u64,
    pub(super) dead: u64,
}

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 500;

impl Queue {
    /// Settles claimed work, all of it or nothing. What is no longer under its claim stays as it is: somebody else has taken it
    /// over, or it was scheduled anew.
    pub(super) async fn settle(
        &self,
        kind: Kind,
        outcomes: &[(Item, Outcome)],
        policy: &Policy,
    ) -> Result<Tally, sqlx::Error> {
        let mut tally = Tally::default();
        let mut own = self.database().begin_own().await?;
        for (item, outcome) in outcomes {
            match outcome {
                Outcome::Done => {
                    // Of an event it does not matter who delivered it.
                    let sql = match kind {
                        Kind::Event => "DELETE FROM host_work WHERE id = $1 AND dead_at IS NULL",
                        Kind::Job => "DELETE FROM host_work WHERE id = $1 AND claim = $2",
                    };
                    let mut query = sqlx::query(sql).bind(&item.id);
                    if kind == Kind::Job {
                        query = query.bind(&item.claim);
                    }
                    query.execute(own.connection()).await?;
                    tally.done += 1;
                }
                Outcome::Retry { after, reason } if item.attempts < policy.attempts => {
                    let delay = after.map_or_else(|| policy.delay(item.attempts, rand::random()), asked);
                    self.put_off(&mut own, item, delay, 0, reason).await?;
                    tally.retried += 1;
                }
                Outcome::Unserved(reason) => {
                    self.put_off(&mut own, item, policy.delay(1, rand::random()), 1, reason).await?;
                    tally.retried += 1;
                }
                Outcome::Retry { reason, .. } | Outcome::Reject(reason) => {
                    let sql = self.sql(
                        "UPDATE host_work SET dead_at = {now}, claim = NULL, holder = NULL, last_error = $3 \
                         WHERE id = $1 AND claim = $2",
                    );
                    let query = sqlx::query(sql).bind(&item.id).bind(&item.claim).bind(shortened(reason));
                    tally.dead += query.execute(own.connection()).await?.rows_affected();
                }
            }
        }
        own.commit().await?;
        Ok(tally)
    }

    async fn put_off(
        &self,
        own: &mut crate::capabilities::database::OwnTransaction,
        item: &Item,
        delay: Duration,
        uncounted: i64,
        reason: &str,
    ) -> Result<(), sqlx::Error> {
        let sql = self.sql(
            "UPDATE host_work SET due_at = {now} + $3, attempts = attempts - $4, claim = NULL, holder = NULL, last_error = $5 \
             WHERE id = $1 AND claim = $2",
        );
        let query = sqlx::query(sql).bind(&item.id).bind(&item.claim).bind(micros(delay)).bind(uncounted);
        query.bind(shortened(reason)).execute(own.connection()).await.map(drop)
    }
}

/// A reason as it is kept: PostgreSQL takes no NUL.
fn shortened(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(LONGEST_REASON).collect()
}
