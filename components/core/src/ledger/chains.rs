//! Chains: postings that succeed or fail together, of many callers at once.
//!
//! Whoever posts a list of chains asks for what each of them does, and not for a transaction. So chains are put into batches of
//! at most [`MAX_BATCH`] postings, each a transaction; and where a rule of the database's own refuses a batch, it is halved until
//! the chain at fault is alone, since the others may be somebody else's.

use std::ops::Range;

use datamp_sdk::database::Error;

use super::posting::Posting;
use super::refusal::Refusal;
use super::store::MAX_BATCH;
use super::transfer::{Answer, Posted};

/// Chains in their order, each 1 to [`MAX_BATCH`] postings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains {
    /// The postings of all, each linked to the next but the last of a chain.
    postings: Vec<Posting>,
    /// Where each chain ends.
    ends: Vec<usize>,
}

/// What became of a chain: of each of its postings, or of none.
pub type Outcome = Result<Vec<Posted>, Failure>;

/// Posts a batch in one transaction.
pub type Transact<'a> = &'a mut dyn FnMut(&[Posting]) -> Result<Vec<Answer>, Error>;

/// Why a chain had no effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The ledger refused it: the place of the posting that was refused first, and why.
    Refused(usize, Refusal),
    /// A rule of the database's own tells against it; the constraint's name.
    Conflict(String),
    /// The database could not do it now. The outcome may be unknown.
    Unavailable(Error),
}

impl Chains {
    /// Adds a chain after the others.
    ///
    /// # Errors
    /// It has no posting, or more than [`MAX_BATCH`].
    pub fn push(&mut self, chain: Vec<Posting>) -> Result<(), OutOfBounds> {
        if !(1..=MAX_BATCH).contains(&chain.len()) {
            return Err(OutOfBounds);
        }
        let last = chain.len() - 1;
        let links = |(place, posting): (usize, Posting)| Posting { linked: place < last, ..posting };
        self.postings.extend(chain.into_iter().enumerate().map(links));
        self.ends.push(self.postings.len());
        Ok(())
    }

    /// Posts them, in their order, each batch by `post`, and answers each in its place.
    pub fn post(&self, post: Transact<'_>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(self.ends.len());
        while outcomes.len() < self.ends.len() {
            let batch = self.batch(outcomes.len());
            self.post_batch(batch, post, &mut outcomes);
        }
        outcomes
    }

    /// The chains from one on that fit into a batch.
    fn batch(&self, first: usize) -> Range<usize> {
        let most = self.begin(first) + MAX_BATCH;
        let fitting = self.ends.iter().skip(first).take_while(|end| **end <= most).count();
        first..first + fitting.max(1)
    }

    fn post_batch(&self, batch: Range<usize>, post: Transact<'_>, outcomes: &mut Vec<Outcome>) {
        let postings = self.postings.get(self.begin(batch.start)..self.begin(batch.end)).unwrap_or_default();
        let failure = match post(postings) {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                let outcome = |chain| {
                    let length = self.length(chain);
                    outcome(length, answers.by_ref().take(length))
                };
                outcomes.extend(batch.map(outcome));
                return;
            }
            Err(error) => match rule(&error) {
                Some(_) if batch.len() > 1 => {
                    let middle = batch.start + batch.len() / 2;
                    self.post_batch(batch.start..middle, post, outcomes);
                    return self.post_batch(middle..batch.end, post, outcomes);
                }
                Some(rule) => Failure::Conflict(rule.to_owned()),
                None => Failure::Unavailable(error),
            },
        };
        outcomes.extend(batch.map(|_| Err(failure.clone())));
    }

    /// Where a chain's postings begin; of the one after the last, where all end.
    fn begin(&self, chain: usize) -> usize {
        chain.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }

    fn length(&self, chain: usize) -> usize {
        self.begin(chain + 1) - self.begin(chain)
    }
}

/// A chain of no postings, or of more than [`MAX_BATCH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

/// The rule of the database's own that refused a batch: what is broken each time that one of its chains is asked for.
fn rule(error: &Error) -> Option<&str> {
    match error {
        Error::UniqueViolation(name)
        | Error::ForeignKeyViolation(name)
        | Error::CheckViolation(name)
        | Error::NotNullViolation(name) => Some(name),
        _ => None,
    }
}

/// What the answers to the postings of a chain say of it.
fn outcome(length: usize, answers: impl Iterator<Item = Answer>) -> Outcome {
    let mut posted = Vec::with_capacity(length);
    let mut refused = None;
    for (place, answer) in answers.enumerate() {
        match answer {
            Ok(one) => posted.push(one),
            // The others fail for the one that says why.
            Err(Refusal::LinkedTransferFailed) => {}
            Err(refusal) => refused = refused.or(Some((place, refusal))),
        }
    }
    match refused {
        Some((place, refusal)) => Err(Failure::Refused(place, refusal)),
        None if posted.len() == length => Ok(posted),
        None => Err(Failure::Unavailable(Error::Other("a posting was not answered".to_owned()))),
    }
}

#[cfg(test)]
mod tests;
