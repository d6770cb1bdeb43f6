//! What the edge finds out about a request before anything else.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use uuid::Uuid;

use crate::telemetry::trace::TraceContext;

/// The request's id, in requests and in responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The longest id that a client may choose.
const ID_LENGTH: usize = 64;

/// Found in the extensions of every request behind the edge.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The request's id: the client's if it is well-formed, else a UUIDv7.
    pub id: Arc<str>,
    /// Where it stands in a trace.
    pub trace: TraceContext,
    /// The client's address.
    pub client: IpAddr,
}

impl RequestContext {
    pub(super) fn of(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> Self {
        let trace = headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok())
            .and_then(TraceContext::parse)
            .map_or_else(TraceContext::generate, |parent| parent.child());
        Self { id: request_id(headers), trace, client: client(headers, peer.ip(), trusted) }
    }

    pub(super) fn id_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.id).ok()
    }
}

fn request_id(headers: &HeaderMap) -> Arc<str> {
    let well_formed = |id: &&str| {
        (1..=ID_LENGTH).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    };
    match headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(well_formed) {
        Some(id) => id.into(),
        None => {
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            Arc::from(&*Uuid::now_v7().as_hyphenated().encode_lower(&mut text))
        }
    }
}

/// The nearest address in `X-Forwarded-For` that is no trusted proxy. Whatever stands further left, the client could
/// have written itself.
fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut client = peer;
    let forwarded = headers.get_all(X_FORWARDED_FOR).iter().rev();
    for address in forwarded.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')) {
        let Ok(address) = address.trim().parse::<IpAddr>() else { return client };
        client = address.to_canonical();
        if !is_trusted(&client) {
            return client;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_well_formed_id_is_kept_and_any_other_replaced() {
        assert_eq!(&*request_id(&headers(&[(X_REQUEST_ID, "abc-1.2:3_4")])), "abc-1.2:3_4");
        let long = "x".repeat(65);
        for bad in ["", "a b", "a\"b", &long, "a,b"] {
            let id = request_id(&headers(&[(X_REQUEST_ID, bad)]));
            assert!(Uuid::parse_str(&id).is_ok(), "{bad:?} gave {id}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_may_say_who_the_client_is() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let of =
            |value: &str, trusted: &[IpNet]| client(&headers(&[(X_FORWARDED_FOR, value)]), peer, trusted).to_string();
        assert_eq!(of("1.2.3.4", &[]), "10.0.0.1");
        assert_eq!(of("1.2.3.4", &trusted), "1.2.3.4");
        assert_eq!(of("6.6.6.6, 1.2.3.4, 10.9.9.9", &trusted), "1.2.3.4");
        assert_eq!(of("6.6.6.6, nonsense, 10.9.9.9", &trusted), "10.9.9.9");
        assert_eq!(of("2001:db8::1", &trusted), "2001:db8::1");
    }
}
