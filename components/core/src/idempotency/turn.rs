//! What a request's turn brings: its answer, or that it is carried out; by what is known of its key, and by the requests before it in
//! its batch.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{Asked, Outcome, Reply};

/// What the database knows about a key.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Known {
    /// The place of the request that it was looked up for.
    pub(super) place: usize,
    pub(super) free: bool,
    pub(super) fingerprint: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) location: Option<String>,
    pub(super) body: Option<String>,
}

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is told this.
    Told(Outcome),
    /// It is the first one to be carried out with its key.
    CarryOut,
    /// It comes after the one at this place, which is carried out with its key.
    After(usize),
    /// Its key was not looked up: it can't be answered.
    Unknown,
}

impl Turn {
    /// What the request at `place` is told, by what was carried out.
    pub(super) fn told(
        self,
        place: usize,
        asked: &[Asked<'_>],
        carried_out: &BTreeMap<usize, Reply>,
    ) -> Option<Outcome> {
        let (first, replayed) = match self {
            Self::Told(outcome) => return Some(outcome),
            Self::CarryOut => (place, false),
            Self::After(first) => (first, true),
            Self::Unknown => return None,
        };
        if asked.get(place)?.fingerprint != asked.get(first)?.fingerprint {
            return Some(Outcome::KeyReused);
        }
        Some(Outcome::Answered { reply: carried_out.get(&first)?.clone(), replayed })
    }
}

/// For each request the place of the first one with its key, which the key is looked up for.
pub(super) fn leaders(asked: &[Asked<'_>]) -> Vec<usize> {
    let mut first_of: HashMap<(&str, &str), usize> = HashMap::with_capacity(asked.len());
    let places = asked.iter().enumerate();
    places.map(|(place, one)| *first_of.entry((one.shop.as_str(), &one.once.key)).or_insert(place)).collect()
}

/// What is to be done with each request.
pub(super) fn turns(asked: &[Asked<'_>], leaders: &[usize], known: Vec<Known>) -> Vec<Turn> {
    let known: HashMap<usize, Known> = known.into_iter().map(|known| (known.place, known)).collect();
    let mut carried_out: HashMap<usize, usize> = HashMap::new();
    let turn = |(place, (one, leader)): (usize, (&Asked<'_>, &usize))| {
        let Some(known) = known.get(leader) else { return Turn::Unknown };
        match decide(known, &one.fingerprint) {
            Some(outcome) => Turn::Told(outcome),
            None => match *carried_out.entry(*leader).or_insert(place) {
                first if first == place => Turn::CarryOut,
                first => Turn::After(first),
            },
        }
    };
    asked.iter().zip(leaders).enumerate().map(turn).collect()
}

/// What a request is told by what is known of its key; nothing where it is to be carried out.
fn decide(known: &Known, fingerprint: &str) -> Option<Outcome> {
    match (&known.fingerprint, known.status, &known.body) {
        (Some(first), _, _) if first != fingerprint => Some(Outcome::KeyReused),
        (Some(_), Some(status), Some(body)) => {
            let reply = Reply { status, location: known.location.clone(), body: body.clone() };
            Some(Outcome::Answered { reply, replayed: true })
        }
        // What is new, or is carried out in several transactions and goes on.
        _ => (!known.free).then_some(Outcome::KeyInUse),
    }
}

#[cfg(test)]
mod tests;
