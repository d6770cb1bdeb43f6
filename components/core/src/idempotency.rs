//! `Idempotency-Key`, by draft-ietf-httpapi-idempotency-key-header.
//!
//! A shop's key stands for one operation. The first request with it is carried out, and its answer is kept *in the
//! transaction of its effect*: either both are there or neither. After that
//!
//! - the same request gets the same answer, byte for byte, with `Idempotency-Replayed: true`;
//! - another request with the key gets 422 `idempotency-key-reused`;
//! - a request while the first is still being carried out gets 409 `idempotency-key-in-use`. (On SQLite, where writing
//!   transactions take turns, it waits for its turn instead, and gets the first one's answer.)
//!
//! A *refusal* (insufficient funds, a frozen shop) is an answer like any other and is kept: once a shop was told that a
//! payment was refused, no copy of that request which comes late may carry it out. To try again after a refusal, take a
//! new key. What never came to a decision keeps nothing and leaves the key free: a request that is malformed or fails
//! validation, an unknown API key, an error of ours (5xx).

use datamp_models::core::ShopId;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{FromRequest, IdempotencyKey, Params, Problem, Request, Response, Timestamp, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sql::Statement;

/// Whether the key is free, and the answer that was kept for it, in one row.
///
/// On PostgreSQL whoever works on a key holds an advisory lock on it until its transaction ends. That lock may become free
/// after this statement took its snapshot: then the answer is not seen, the work is done in vain, and keeping its answer
/// meets the primary key.
const LOOK_UP: Statement = Statement {
    sqlite: "SELECT $3 IS NOT NULL AS free, i.fingerprint, i.status, i.location, i.body FROM (SELECT 1) AS one \
             LEFT JOIN idempotency AS i ON i.shop_id = $1 AND i.key = $2",
    postgresql: "SELECT pg_try_advisory_xact_lock($3) AS free, i.fingerprint, i.status, i.location, i.body \
                 FROM (SELECT 1) AS one LEFT JOIN idempotency AS i ON i.shop_id = $1 AND i.key = $2",
};

const KEEP: &str = "INSERT INTO idempotency (shop_id, key, fingerprint, status, location, body, created_at) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// The header that marks an answer which was given before.
const REPLAYED: &str = "idempotency-replayed";

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

/// An answer that can be given again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reply {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Reply {
    /// 201, where the new resource is, and the resource itself.
    pub fn created(location: String, resource: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(resource).map_err(Problem::internal)?;
        Ok(Self { status: 201, location: Some(location), body })
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

/// What the database knows about a key.
#[derive(Deserialize)]
struct Known {
    free: bool,
    fingerprint: Option<String>,
    status: Option<u16>,
    location: Option<String>,
    body: Option<String>,
}

/// What is to be done with a request.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    CarryOut,
    Replay(Reply),
    KeyReused,
    KeyInUse,
}

fn decide(known: Known, fingerprint: &str) -> Decision {
    match (known.fingerprint, known.status, known.body) {
        (Some(first), Some(status), Some(body)) if first == fingerprint => {
            Decision::Replay(Reply { status, location: known.location, body })
        }
        (Some(_), _, _) => Decision::KeyReused,
        (None, _, _) if known.free => Decision::CarryOut,
        (None, _, _) => Decision::KeyInUse,
    }
}

impl Once {
    /// Carries `work` out in a transaction, unless that was done before, and answers what it answered.
    ///
    /// `request` is the request as it was understood; two that differ only in how they are written are the same. `work`
    /// answers a problem for a refusal, which is kept too, or for a failure (5xx), which is not. It runs again when the
    /// transaction conflicts with another.
    pub fn run(
        &self,
        shop: &ShopId,
        request: &impl Serialize,
        work: impl Fn(&Transaction) -> Result<Reply, Problem>,
    ) -> Result<Response, Problem> {
        let request = serde_json::to_string(request).map_err(Problem::internal)?;
        let fingerprint = hex::encode(digest(&[&self.method, &self.path, &request]));
        database::transaction(|tx| {
            let look_up = params![shop.as_str(), self.key, self.lock(shop)];
            match decide(tx.query_one(LOOK_UP.text(), look_up)?, &fingerprint) {
                Decision::CarryOut => {}
                Decision::Replay(reply) => return Ok(reply.into_response(true)),
                Decision::KeyReused => return Err(key_reused()),
                Decision::KeyInUse => return Err(key_in_use()),
            }
            let reply = match work(tx) {
                Err(failure) if failure.status() >= 500 => return Err(failure),
                Err(refusal) => self.refusal(&refusal),
                Ok(reply) => reply,
            };
            let kept = tx.execute(
                KEEP,
                params![
                    shop.as_str(),
                    self.key,
                    fingerprint,
                    reply.status,
                    reply.location,
                    reply.body,
                    Timestamp::now()
                ],
            );
            match kept {
                Ok(_) => Ok(reply.into_response(false)),
                Err(database::Error::UniqueViolation(_)) => Err(key_in_use()),
                Err(error) => Err(error.into()),
            }
        })
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

/// Whether a response is one that was given before.
pub fn is_replay(response: &Response) -> bool {
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
