//! The hash chain, by which an altered history shows.
//!
//! Each account has a chain of its own: a transfer stores, for its debit and for its credit account, the SHA-256 over the
//! account's hash before it, the account's totals after it, and all that its row says; the account's row holds the latest
//! hash, its *head*. One chain over all transfers would put every posting behind one row; an account's row is locked by its
//! postings anyway, so that a chain of its own costs no waiting. Since each transfer stands in two chains, it is held by both.
//!
//! A transfer that the code of a release before chains made (it may run beside this one during a swap) has no hash and leaves
//! the head alone. The next transfer's hash vouches for what it moved, since it covers the totals.
//!
//! The hashes have no key: who can write to all rows of the database can compute them anew. Heads that were noted elsewhere
//! show even that.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::account::Totals;
use super::record::Record;

/// Told apart from everything else that is hashed, and from later versions of the encoding.
const VERSION: &[u8] = b"datamp transfer 1";

/// The same, for digests of heads.
const HEADS: &[u8] = b"datamp heads 1";

/// A SHA-256. As text, 64 digits of lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Reads its text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        // One hash has one text.
        (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("must be a SHA-256 in hex"))
    }
}

/// The bytes that stand for a transfer: every column of its row but the hashes, in a fixed order, so that no two rows have the
/// same bytes. Numbers take 8 bytes, big-endian; a text has its length before it; what may be missing, a byte that tells.
pub fn canonical(record: &Record<'_>) -> Vec<u8> {
    let Record {
        id,
        kind,
        debit_account_id,
        credit_account_id,
        amount,
        currency,
        code,
        reference,
        pending_id,
        reversal_of,
        expires_at,
        debit_balance,
        debit_debits_pending,
        debit_credits_pending,
        debit_hash: _,
        credit_balance,
        credit_debits_pending,
        credit_credits_pending,
        credit_hash: _,
        created_at,
    } = record;
    let mut bytes = Vec::with_capacity(512);
    for value in [id, kind, debit_account_id, credit_account_id, currency, code, reference] {
        text(&mut bytes, value);
    }
    for value in [amount, debit_balance, credit_balance, created_at] {
        number(&mut bytes, *value);
    }
    for value in [pending_id, reversal_of] {
        optional(&mut bytes, value.as_deref(), text);
    }
    for value in
        [expires_at, debit_debits_pending, debit_credits_pending, credit_debits_pending, credit_credits_pending]
    {
        optional(&mut bytes, *value, number);
    }
    bytes
}

/// The hash of a transfer in the chain of one of its accounts: of `head`, the account's hash before it (none: the chain
/// begins), the account's totals after it, and its own canonical bytes.
pub fn link(head: Option<&Hash>, account: &str, after: &Totals, transfer: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend(VERSION);
    // No head is a head of zeros, which no SHA-256 is.
    bytes.extend(head.map_or([0; 32], |head| head.0));
    text(&mut bytes, account);
    for total in [after.debits_posted, after.credits_posted, after.debits_pending, after.credits_pending] {
        number(&mut bytes, total);
    }
    let mut hash = Sha256::new();
    hash.update(&bytes);
    hash.update(transfer);
    Hash(hash.finalize().into())
}

/// A digest over the heads of accounts, one after the other: of the digest over those before (none: it begins), the account, its head,
/// and the time of its latest transfer in microseconds since the epoch.
pub fn fold(digest: Option<&Hash>, account: &str, head: Option<&Hash>, posted_at: i64) -> Hash {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend(HEADS);
    bytes.extend(digest.map_or([0; 32], |digest| digest.0));
    text(&mut bytes, account);
    bytes.extend(head.map_or([0; 32], |head| head.0));
    number(&mut bytes, posted_at);
    Hash(Sha256::digest(&bytes).into())
}

fn number(bytes: &mut Vec<u8>, value: i64) {
    bytes.extend(value.to_be_bytes());
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    number(bytes, i64::try_from(value.len()).unwrap_or(i64::MAX));
    bytes.extend(value.as_bytes());
}

fn optional<T>(bytes: &mut Vec<u8>, value: Option<T>, write: fn(&mut Vec<u8>, T)) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(bytes, value);
    }
}

#[cfg(test)]
mod tests;
