//! A shop's own system that webhooks are sent to.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::wait::until;

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// With a status, header fields and a body.
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    /// Not at all, as long as the sender likes to wait.
    Hang,
}

/// With a status and nothing else.
#[must_use]
pub const fn status(status: u16) -> Reaction {
    Reaction::Answer(status, Vec::new(), String::new())
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path and the query.
    pub target: String,
    /// The header section.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When.
    pub at: Instant,
}

impl Received {
    /// A header's value; nothing where it did not come, or more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().unwrap(),
            _ => "",
        }
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The header section as JSON.
    #[must_use]
    pub fn headers_json(&self) -> Value {
        self.headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect()
    }
}

#[derive(Default)]
struct State {
    reactions: VecDeque<Reaction>,
    received: Vec<Received>,
}

/// Listens on a port of 127.0.0.1 as long as the test's runtime lives.
#[derive(Clone)]
pub struct Receiver {
    /// Its address.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// One that answers 204 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let state = Arc::clone(&receiver.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                // A sender that goes away is no fault of the receiver.
                tokio::spawn(async move {
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await)
                });
            }
        });
        receiver
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/webhooks?from=datamp", self.address)
    }

    /// Answers the next requests so, in this order, and then 204 again.
    pub fn react(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.state.lock().unwrap().reactions.extend(reactions);
    }

    /// What came, in its order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Waits until at least so many requests have come, and answers the last of them.
    pub async fn nth(&self, number: usize) -> Received {
        let what = format!("request {number} at {}", self.address);
        until(&what, || async { self.received().into_iter().nth(number - 1) }).await
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let reaction = {
        let mut state = state.lock().unwrap();
        let target = parts.uri.to_string();
        state.received.push(Received { target, headers: parts.headers, body, at: Instant::now() });
        state.reactions.pop_front()
    };
    match reaction {
        None => Ok(Response::builder().status(204).body(Full::default()).unwrap()),
        Some(Reaction::Hang) => std::future::pending().await,
        Some(Reaction::Answer(status, headers, body)) => {
            let builder =
                headers.iter().fold(Response::builder().status(status), |b, (name, value)| b.header(*name, *value));
            Ok(builder.body(Full::from(body)).unwrap())
        }
    }
}
