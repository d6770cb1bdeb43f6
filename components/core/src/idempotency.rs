//! `Idempotency-Key`, by draft-ietf-httpapi-idempotency-key-header.
//!
//! A shop's key stands for one operation. The first request with it is carried out, and its answer is kept *in the
//! transaction of its effect*: either both are there or neither. After that
//!
//! - the same request gets the same answer, byte for byte, with `Idempotency-Replayed: true`;
//! - another request with the key gets 422 `idempotency-key-reused`;
//! - a request while the first is still being carried out gets 409 `idempotency-key-in-use`. (Where requests take turns it waits for
//!   its turn instead, and gets the first one's answer: writing transactions on SQLite, and payments on one host.)
//!
//! A *refusal* (insufficient funds, a frozen shop) is an answer like any other and is kept: once a shop was told that a
//! payment was refused, no copy of that request which comes late may carry it out. To try again after a refusal, take a
//! new key. What never came to a decision keeps nothing and leaves the key free: a request that is malformed or fails
//! validation, an unknown API key, an error of ours (5xx).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use datamp_models::core::ShopId;
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::openapi::{DescribeAnswer, DescribeRequest, Description};
use datamp_sdk::{FromRequest, IdempotencyKey, IntoResponse, Params, Problem, Request, Response, Timestamp, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::sql::Statement;

mod turn;

use turn::{Known, Turn, leaders, turns};

/// Whether each key is free, and the answer that was kept for it: a row for each.
///
/// On PostgreSQL whoever works on a key holds an advisory lock on it until its transaction ends. That lock may become free
/// after this statement took its snapshot: then the answer is not seen, the work is done in vain, and [`KEEP`] tells.
/// A top-up that its provider has not answered stands for its key too.
const LOOK_UP: Statement = Statement {
    sqlite: "SELECT k.value ->> 'place' AS place, 1 AS free, COALESCE(i.fingerprint, t.fingerprint) AS fingerprint, i.status, \
             i.location, i.body FROM json_each($1) AS k LEFT JOIN idempotency AS i \
             ON i.shop_id = k.value ->> 'shop_id' AND i.key = k.value ->> 'key' \
             LEFT JOIN top_up AS t ON t.shop_id = k.value ->> 'shop_id' AND t.idempotency_key = k.value ->> 'key'",
    postgresql: "SELECT k.place, pg_try_advisory_xact_lock(k.lock) AS free, COALESCE(i.fingerprint, t.fingerprint) AS fingerprint, \
                 i.status, i.location, i.body FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS k (place BIGINT, shop_id TEXT, key TEXT, lock BIGINT) \
                 LEFT JOIN idempotency AS i ON i.shop_id = k.shop_id AND i.key = k.key \
                 LEFT JOIN top_up AS t ON t.shop_id = k.shop_id AND t.idempotency_key = k.key",
};

/// A key that another transaction has kept meanwhile, or that a top-up of another request was begun with, is left out, which the
/// count of rows tells.
const KEEP: Statement = Statement {
    sqlite: "INSERT INTO idempotency (shop_id, key, fingerprint, status, location, body, created_at) \
             SELECT value ->> 'shop_id', value ->> 'key', value ->> 'fingerprint', value ->> 'status', \
             value ->> 'location', value ->> 'body', $2 FROM json_each($1) WHERE true ON CONFLICT (shop_id, key) DO NOTHING",
    postgresql: "INSERT INTO idempotency (shop_id, key, fingerprint, status, location, body, created_at) \
                 SELECT shop_id, key, fingerprint, status, location, body, $2 \
                 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (shop_id TEXT, key TEXT, fingerprint TEXT, status INTEGER, location TEXT, body TEXT) \
                 WHERE NOT EXISTS (SELECT 1 FROM top_up AS t WHERE t.shop_id = r.shop_id AND t.idempotency_key = r.key \
                 AND t.fingerprint <> r.fingerprint) ON CONFLICT (shop_id, key) DO NOTHING",
};

/// The header that marks an answer which was given before.
const REPLAYED: &str = "idempotency-replayed";

/// The same, as people write it.
const REPLAYED_AS_WRITTEN: &str = "Idempotency-Replayed";

/// A request that is to be carried out once: its key, and what tells it from others.
#[derive(Clone, Debug)]
pub struct Once {
    key: String,
    method: String,
    path: String,
    request_id: String,
}

impl FromRequest for Once {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        let IdempotencyKey(key) = IdempotencyKey::from_request(request, params)?;
        Ok(Self {
            key,
            method: request.method().as_str().to_owned(),
            path: request.path().to_owned(),
            request_id: request.request_id().to_owned(),
        })
    }
}

impl DescribeRequest for Once {
    fn describe(description: &mut Description<'_>) {
        IdempotencyKey::describe(description);
        description.problem(
            409,
            "idempotency-key-in-use",
            "A request with this key is being carried out: ask again in a moment, with the same key.",
        );
        description.problem(422, "idempotency-key-reused", "This key was sent before with another request.");
    }
}

/// An answer to a request that is carried out once: an `A`, now or as it was given before.
pub struct Replayable<A> {
    response: Response,
    described: PhantomData<fn() -> A>,
}

impl<A> From<Response> for Replayable<A> {
    fn from(response: Response) -> Self {
        Self { response, described: PhantomData }
    }
}

impl<A> IntoResponse for Replayable<A> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<A: DescribeAnswer> DescribeAnswer for Replayable<A> {
    fn describe(description: &mut Description<'_>) {
        A::describe(description);
        let replayed = json!({ "type": "string", "const": "true" });
        description.header_of_answers(REPLAYED_AS_WRITTEN, "Present where the answer was given before.", replayed);
        description.header_of_answers("Location", "Where the new resource is.", json!({ "type": "string" }));
    }
}

/// An answer that can be given again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Where the new resource is.
    pub location: Option<String>,
    /// JSON.
    pub body: String,
}

impl Reply {
    /// 201, where the new resource is, and the resource itself.
    pub fn created(location: String, resource: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(resource).map_err(Problem::internal)?;
        Ok(Self { status: 201, location: Some(location), body })
    }

    /// 200 and what the resource is now.
    pub fn ok(resource: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(resource).map_err(Problem::internal)?;
        Ok(Self { status: 200, location: None, body })
    }

    fn into_response(self, replayed: bool) -> Response {
        let content_type = if self.status >= 400 { "application/problem+json" } else { "application/json" };
        let mut response = Response::new(self.status).header("content-type", content_type);
        if let Some(location) = self.location {
            response = response.header("location", location);
        }
        if replayed {
            response = response.header(REPLAYED, "true");
        }
        response.body(self.body)
    }
}

/// One request of a batch, as it was understood.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    shop: &'a ShopId,
    once: &'a Once,
    fingerprint: String,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has its answer.
    Answered {
        /// The answer.
        reply: Reply,
        /// Whether it was given before.
        replayed: bool,
    },
    /// The key stands for another request.
    KeyReused,
    /// A request with the key is being carried out.
    KeyInUse,
}

impl Outcome {
    /// As the shops' API answers it.
    pub fn response(self) -> Result<Response, Problem> {
        match self {
            Self::Answered { reply, replayed } => Ok(reply.into_response(replayed)),
            Self::KeyReused => Err(key_reused()),
            Self::KeyInUse => Err(key_in_use()),
        }
    }
}

/// How far a request has come that is carried out in several transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun<T> {
    /// It has its answer.
    Told(Outcome),
    /// It goes on from here; nothing is kept for its key yet.
    GoesOn(T),
}

#[derive(Serialize)]
struct LookUp<'a> {
    place: usize,
    shop_id: &'a str,
    key: &'a str,
    lock: i64,
}

#[derive(Serialize)]
struct Kept<'a> {
    shop_id: &'a str,
    key: &'a str,
    fingerprint: &'a str,
    status: u16,
    location: Option<&'a str>,
    body: &'a str,
}

/// Carries out those of the requests that were not before, and answers all, in two statements whatever their number.
///
/// `work` is given the places of those to carry out, in their order, and answers each: a problem for a refusal is kept too. Where it
/// fails (5xx), all fail and nothing is kept. Requests with one key in a batch take their turns, as if they had come one by one.
pub fn run_all(
    tx: &Transaction,
    asked: &[Asked<'_>],
    work: impl FnOnce(&[usize]) -> Result<Vec<Result<Reply, Problem>>, Problem>,
) -> Result<Vec<Outcome>, Problem> {
    let leaders = leaders(asked);
    let looked_up = leaders.iter().enumerate().filter(|(place, leader)| place == *leader);
    let look_ups: Vec<_> = looked_up.filter_map(|(place, _)| Some(asked.get(place)?.look_up(place))).collect();
    let turns = turns(asked, &leaders, tx.query(LOOK_UP.text(), params![JsonText(&look_ups)])?);
    let to_carry_out: Vec<usize> =
        turns.iter().enumerate().filter(|(_, turn)| **turn == Turn::CarryOut).map(|(place, _)| place).collect();
    let mut carried_out = BTreeMap::new();
    if !to_carry_out.is_empty() {
        let answers = work(&to_carry_out)?;
        for (place, answer) in to_carry_out.into_iter().zip(answers) {
            let Some(one) = asked.get(place) else { continue };
            let reply = match answer {
                Ok(reply) => reply,
                Err(failure) if failure.status() >= 500 => return Err(failure),
                Err(refusal) => one.once.refusal(&refusal),
            };
            carried_out.insert(place, reply);
        }
        keep(
            tx,
            &carried_out.iter().filter_map(|(place, reply)| Some((asked.get(*place)?, reply))).collect::<Vec<_>>(),
        )?;
    }
    let told = turns.into_iter().enumerate().map(|(place, turn)| turn.told(place, asked, &carried_out));
    told.collect::<Option<_>>().ok_or_else(|| Problem::internal("a request of a batch was not answered"))
}

/// Begins what is carried out in several transactions, the last of which is one of [`run_all`]: `work` writes down, with the key, how far it
/// has come, so that whoever asks again goes on from there. A refusal of its is kept and answered.
pub fn begin<T>(
    tx: &Transaction,
    asked: &Asked<'_>,
    work: impl FnOnce() -> Result<Begun<T>, Problem>,
) -> Result<Begun<T>, Problem> {
    // The second time under the key's lock, which may have come free after the first one took its snapshot: what is begun is not
    // undone when its answer is kept.
    for _ in 0..2 {
        if let Some(outcome) = asked.sort_out(tx.query(LOOK_UP.text(), params![JsonText(&[asked.look_up(0)])])?) {
            return Ok(Begun::Told(outcome));
        }
    }
    match work() {
        Err(refusal) if refusal.status() < 500 => {
            let reply = asked.once.refusal(&refusal);
            keep(tx, &[(asked, &reply)])?;
            Ok(Begun::Told(Outcome::Answered { reply, replayed: false }))
        }
        begun_or_failed => begun_or_failed,
    }
}

fn keep(tx: &Transaction, replies: &[(&Asked<'_>, &Reply)]) -> Result<(), Problem> {
    let rows: Vec<_> = replies
        .iter()
        .map(|(one, reply)| Kept {
            shop_id: one.shop.as_str(),
            key: &one.once.key,
            fingerprint: &one.fingerprint,
            status: reply.status,
            location: reply.location.as_deref(),
            body: &reply.body,
        })
        .collect();
    let kept = tx.execute(KEEP.text(), params![JsonText(&rows), Timestamp::now()])?;
    // Another transaction has answered one of them since the keys were looked up: its answer counts, and all begin again.
    if usize::try_from(kept) == Ok(rows.len()) { Ok(()) } else { Err(tx.conflict().into()) }
}

impl<'a> Asked<'a> {
    fn look_up(&self, place: usize) -> LookUp<'_> {
        LookUp { place, shop_id: self.shop.as_str(), key: &self.once.key, lock: self.once.lock(self.shop) }
    }

    /// What can be told at once: the answer, where it was given; that the key is another request's, or in use.
    fn sort_out(&self, known: Vec<Known>) -> Option<Outcome> {
        match turns(std::slice::from_ref(self), &[0], known).pop()? {
            Turn::Told(outcome) => Some(outcome),
            Turn::CarryOut | Turn::After(_) | Turn::Unknown => None,
        }
    }

    /// What can be told without carrying anything out.
    pub fn told(&self) -> Result<Option<Outcome>, Problem> {
        Ok(self.sort_out(database::query(LOOK_UP.text(), params![JsonText(&[self.look_up(0)])])?))
    }

    /// What tells the request from others: SHA-256, in hex.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The shop's own name for the operation.
    pub fn key(&self) -> &str {
        &self.once.key
    }
}

impl Once {
    /// For a request that came another way than through the shops' API, as if it had come there.
    pub fn new(IdempotencyKey(key): IdempotencyKey, request_id: String, path: &str) -> Self {
        Self { key, method: "POST".to_owned(), path: path.to_owned(), request_id }
    }

    /// The shop's own name for the operation.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The id of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// A shop's request, as it was understood; two that differ only in how they are written are the same.
    pub fn asked<'a>(&'a self, shop: &'a ShopId, request: &impl Serialize) -> Result<Asked<'a>, Problem> {
        let request = serde_json::to_string(request).map_err(Problem::internal)?;
        let fingerprint = hex::encode(digest(&[&self.method, &self.path, &request]));
        Ok(Asked { shop, once: self, fingerprint })
    }

    /// Carries `work` out in a transaction, unless that was done before, and answers what it answered.
    ///
    /// `work` answers a problem for a refusal, which is kept too, or for a failure (5xx), which is not. It runs again when the
    /// transaction conflicts with another.
    pub fn run<A>(
        &self,
        shop: &ShopId,
        request: &impl Serialize,
        work: impl Fn(&Transaction) -> Result<Reply, Problem>,
    ) -> Result<Replayable<A>, Problem> {
        let asked = [self.asked(shop, request)?];
        let outcomes = database::transaction(|tx| run_all(tx, &asked, |_| Ok(vec![work(tx)])))?;
        let outcome = outcomes.into_iter().next();
        let outcome = outcome.ok_or_else(|| Problem::internal("one request was carried out, and none answered"))?;
        outcome.response().map(Replayable::from)
    }

    /// A refusal as it is kept: with the id of the request that was refused.
    fn refusal(&self, refusal: &Problem) -> Reply {
        Reply { status: refusal.status(), location: None, body: refusal.document(&self.request_id).to_string() }
    }

    /// The number of the advisory lock on the key.
    fn lock(&self, shop: &ShopId) -> i64 {
        digest(&["idempotency", shop.as_str(), &self.key])
            .iter()
            .take(8)
            .fold(0, |lock, byte| (lock << 8) | i64::from(*byte))
    }
}

/// The answer with what is told once, as `body`, unless it is a refusal or was given before: what is kept for a replay leaves it out.
pub fn told_once<A>(response: Response, body: &impl Serialize) -> Result<Replayable<A>, Problem> {
    if response.status() >= 300 || is_replay(&response) {
        return Ok(response.into());
    }
    let body = serde_json::to_vec(body).map_err(Problem::internal)?;
    Ok(response.body(body).header("cache-control", "no-store").into())
}

/// Whether a response is one that was given before.
fn is_replay(response: &Response) -> bool {
    response.header_value(REPLAYED).is_some()
}

/// SHA-256 of texts; where one ends and the next begins counts too.
fn digest(parts: &[&str]) -> impl AsRef<[u8]> + IntoIterator<Item = u8> + std::ops::Deref<Target = [u8]> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
}

fn key_reused() -> Problem {
    Problem::new(422, "idempotency-key-reused", "The idempotency key stands for another request")
        .detail("This key was sent before with another request. Take a new key for a new operation.")
}

fn key_in_use() -> Problem {
    Problem::new(409, "idempotency-key-in-use", "A request with this idempotency key is being carried out")
        .detail("Ask again in a moment, with the same key: the answer will be that request's.")
        .header("retry-after", "1")
}

#[cfg(test)]
mod tests;
