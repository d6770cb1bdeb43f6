//! Extractors of header fields, and of what the host says about a request.

use std::fmt;

use super::FromRequest;
use crate::{Params, Problem, Request};

/// The header section.
#[derive(Clone, Debug)]
pub struct Headers(Request);

impl Headers {
    /// The first value of a field. `name` is to be in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// Every value of a field, in order. `name` is to be in lower case.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.header_values(name)
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.headers().iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromRequest for Headers {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(Self(request.clone()))
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750); 401 without one, or with several.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(pub String);

impl FromRequest for Bearer {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        let mut values = request.header_values("authorization");
        let Some(value) = values.next() else {
            return Err(Problem::unauthorized("Send the field Authorization: Bearer and a token."));
        };
        if values.next().is_some() {
            return Err(Problem::unauthorized("Send the field Authorization once."));
        }
        let token = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match token {
            Some(token) if !token.is_empty() => Ok(Self(token.to_owned())),
            _ => Err(Problem::unauthorized("The field Authorization is not of the form: Bearer, a space, a token.")),
        }
    }

    fn is_present(request: &Request, _: &Params) -> bool {
        request.header("authorization").is_some()
    }
}

/// Keeps the token out of logs.
impl std::fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Bearer(…)")
    }
}

/// The field `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): 1 to 255 printable ASCII characters, quoted
/// or not; 400 without one, or with several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

/// Not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidIdempotencyKey;

impl fmt::Display for InvalidIdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be 1 to 255 printable ASCII characters")
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidIdempotencyKey;

    fn try_from(key: String) -> Result<Self, InvalidIdempotencyKey> {
        let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if key.is_empty() || key.len() > 255 || !printable { Err(InvalidIdempotencyKey) } else { Ok(Self(key)) }
    }
}

impl FromRequest for IdempotencyKey {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        let mut values = request.header_values("idempotency-key");
        let Some(value) = values.next() else {
            return Err(Problem::new(400, "idempotency-key-missing", "An idempotency key is needed").detail(
                "Send the field Idempotency-Key: a value of your choice, new for each operation \
                 and the same for each retry of it.",
            ));
        };
        let invalid = |detail: &str| {
            Problem::new(400, "idempotency-key-invalid", "The idempotency key can't be taken").detail(detail)
        };
        if values.next().is_some() {
            return Err(invalid("Send the field Idempotency-Key once: which one counts is not known."));
        }
        let value = value.trim();
        let key = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        Self::try_from(key.to_owned())
            .map_err(|_| invalid("Idempotency-Key takes 1 to 255 printable ASCII characters."))
    }

    fn is_present(request: &Request, _: &Params) -> bool {
        request.header("idempotency-key").is_some()
    }
}

/// The address of the client (IPv4 or IPv6, no port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub String);

impl FromRequest for ClientAddress {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(Self(request.client_address().to_owned()))
    }
}

/// The host's id of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl FromRequest for RequestId {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(Self(request.request_id().to_owned()))
    }
}
