//! Connections to addresses that were checked.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tower::{BoxError, Service};

use super::{
    addresses::{AddressRange, may_be_called},
    outbound::SendError,
    resolver::Resolve,
};

/// How long a connection with its TLS handshake may take. The request's own time is shorter or longer; this one is for
/// connections that the pool goes on making when the request that wanted one was served by another.
const CONNECT: Duration = Duration::from_secs(10);

/// How long one address is tried alone before the next is tried beside it (RFC 8305, section 8).
const HEAD_START: Duration = Duration::from_millis(250);

/// How many addresses of a name are tried. All of them are checked.
const MAXIMAL_ATTEMPTS: usize = 8;

/// Connects to hosts whose addresses may be called.
#[derive(Clone)]
pub(super) struct CheckedTcp {
    resolver: Arc<dyn Resolve>,
    allowed: Arc<[AddressRange]>,
}

impl CheckedTcp {
    pub(super) fn new(resolver: Arc<dyn Resolve>, allowed: Arc<[AddressRange]>) -> Self {
        Self { resolver, allowed }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, SendError> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let addresses = match literal.parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.resolve(host).await.map_err(|error| {
                tracing::debug!(host, %error, "a name could not be resolved");
                SendError::Unresolved(host.to_owned())
            })?,
        };
        // One bad address spoils the name: a public one beside it may be bait.
        if let Some(address) = addresses.iter().find(|&&address| !may_be_called(address, &self.allowed)) {
            return Err(SendError::AddressNotAllowed(*address));
        }
        let stream = race(alternate(addresses), port).await.map_err(|error| match error {
            Some(error) => SendError::Connection(told(&error).to_owned()),
            None => SendError::Unresolved(host.to_owned()),
        })?;
        // A request is written whole; waiting for more to send costs 40 ms and gains nothing.
        let _ = stream.set_nodelay(true);
        Ok(TokioIo::new(stream))
    }
}

fn told(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused",
        io::ErrorKind::TimedOut => "no connection was made in time",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no way to the address",
        _ => "no connection could be made",
    }
}

/// IPv6 and IPv4 in turn, each in the order that the resolver prefers, so that a broken one of the two costs one head
/// start only.
fn alternate(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut firsts, mut others): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = Vec::with_capacity(firsts.len() + others.len());
    while !firsts.is_empty() || !others.is_empty() {
        order.extend(firsts.pop_front());
        order.extend(others.pop_front());
    }
    order
}

/// The first connection that is made ("Happy Eyeballs", RFC 8305); else the last error, if there was an address at all.
async fn race(addresses: Vec<IpAddr>, port: u16) -> Result<TcpStream, Option<io::Error>> {
    let mut addresses = addresses.into_iter().take(MAXIMAL_ATTEMPTS);
    let mut attempts = FuturesUnordered::new();
    let mut failed = None;
    loop {
        let next = addresses.next();
        let more = next.is_some();
        if let Some(address) = next {
            attempts.push(TcpStream::connect(SocketAddr::new(address, port)));
        }
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Some(error),
            },
            () = sleep(HEAD_START), if more => {}
            else => return Err(failed),
        }
    }
}

impl Service<Uri> for CheckedTcp {
    type Response = TokioIo<TcpStream>;
    type Error = SendError;
    type Future = BoxFuture<'static, Result<Self::Response, SendError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Connects by TCP, and TLS on top of it for `https`, in bounded time.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<CheckedTcp>);

impl Connector {
    /// Trusts these roots; speaks HTTP/2 to those who offer it.
    pub(super) fn new(tcp: CheckedTcp, roots: RootCertStore) -> Result<Self, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        Ok(Self(https.enable_all_versions().wrap_connector(tcp)))
    }
}

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<CheckedTcp> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connection = self.0.call(uri);
        Box::pin(async move {
            let late = || SendError::Connection("no connection was made in time".to_owned());
            timeout(CONNECT, connection).await.unwrap_or_else(|_| Err(late().into()))
        })
    }
}
