//! The client behind all outgoing requests of all components.

use std::{error::Error as _, io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::RootCertStore;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tower::BoxError;

use super::{
    addresses::AddressRange,
    answer::{Answer, Patience},
    connector::{CheckedTcp, Connector},
    hosts::AllowedHosts,
    resolver::{Resolve, SystemResolver},
};
use crate::telemetry::trace::TraceContext;

/// How many exchanges may be under way at once, of all components together; others wait within their deadlines.
const MAXIMAL_EXCHANGES: usize = 1024;

/// How long an idle connection is kept, and how many to one host.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 32;

/// The header by which the trace goes on (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request's body on its way out.
pub(super) type OutgoingBody = UnsyncBoxBody<Bytes, BoxError>;

/// Why an exchange failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// It is no absolute http(s) URL, or one with a user's name in it.
    #[error("{0}")]
    InvalidUrl(String),
    /// A method, a header name or a value that can't be sent.
    #[error("{0}")]
    InvalidHeader(String),
    /// The component was not granted the host.
    #[error("the host {0} is not among those granted")]
    HostNotAllowed(String),
    /// The host's name leads to an address that is not public.
    #[error("the address {0} is not public")]
    AddressNotAllowed(IpAddr),
    /// The name has no address.
    #[error("{0} could not be resolved")]
    Unresolved(String),
    /// No connection, or one that broke.
    #[error("{0}")]
    Connection(String),
    /// The exchange did not finish in time.
    #[error("the exchange did not finish in time")]
    Timeout,
    /// The answer is longer than this many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(u64),
}

/// How outgoing requests are made.
#[derive(Clone)]
pub struct OutboundSettings {
    /// Addresses that may be called although they are not public. For development; empty otherwise.
    pub allow_private_addresses: Vec<AddressRange>,
    /// Certificate authorities trusted beside Mozilla's.
    pub additional_roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    /// How names become addresses.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self {
            allow_private_addresses: Vec::new(),
            additional_roots: Vec::new(),
            resolver: Arc::new(SystemResolver::default()),
        }
    }
}

/// The client for outgoing requests, with its pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    client: Client<Connector, OutgoingBody>,
    places: Arc<Semaphore>,
    /// Addresses that the operator opened although they are not public.
    opened: Arc<[AddressRange]>,
}

impl Outbound {
    /// A client with these settings.
    ///
    /// # Errors
    /// A certificate authority's certificate is malformed.
    pub fn new(settings: OutboundSettings) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in settings.additional_roots {
            roots.add(root)?;
        }
        let opened: Arc<[AddressRange]> = settings.allow_private_addresses.into();
        let tcp = CheckedTcp::new(settings.resolver, Arc::clone(&opened));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(Connector::new(tcp, roots)?);
        Ok(Self { client, places: Arc::new(Semaphore::new(MAXIMAL_EXCHANGES)), opened })
    }

    /// Sends a request to a host among those allowed, and waits for the head of the answer; its body is still to come.
    pub(super) async fn open(
        &self,
        hosts: &AllowedHosts,
        mut request: Request<OutgoingBody>,
        trace: TraceContext,
        head_by: Instant,
        patience: Patience,
    ) -> Result<Response<Answer>, SendError> {
        let uri = request.uri();
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(SendError::InvalidUrl("the URL has no host, or a user's name before it".to_owned()));
        }
        if !hosts.allow(uri, &self.opened) {
            return Err(SendError::HostNotAllowed(uri.host().unwrap_or_default().to_owned()));
        }
        // It would turn the connection into a tunnel to anywhere.
        if request.method() == Method::CONNECT {
            return Err(SendError::InvalidHeader("the method CONNECT can't be sent".to_owned()));
        }
        let headers = request.headers_mut();
        // The client writes the URL's own; another would reach another site on the same server.
        headers.remove(header::HOST);
        if let Ok(position) = HeaderValue::from_str(&trace.child().traceparent()) {
            headers.insert(TRACEPARENT, position);
        }
        let exchange = async {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let place = place.map_err(|_| SendError::Connection("the host is stopping".to_owned()))?;
            let response = self.client.request(request).await.map_err(|error| classify(&error))?;
            let (head, incoming) = response.into_parts();
            Ok(Response::from_parts(head, Answer::new(incoming, patience, place)?))
        };
        timeout_at(head_by.min(patience.until), exchange).await.unwrap_or(Err(SendError::Timeout))
    }
}

/// What went wrong, found in the chain of causes.
fn classify(error: &hyper_util::client::legacy::Error) -> SendError {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(known) = current.downcast_ref::<SendError>() {
            return known.clone();
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return SendError::Connection(format!("the TLS handshake failed: {tls}"));
        }
        // An io::Error passes over the error it holds when it is asked for its source.
        let held = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = held.map(|held| held as &(dyn std::error::Error + 'static)).or_else(|| current.source());
    }
    SendError::Connection(
        if error.is_connect() {
            "no connection could be made"
        } else {
            "the connection broke before there was an answer"
        }
        .to_owned(),
    )
}
