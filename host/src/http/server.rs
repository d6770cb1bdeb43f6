//! Connections: accepted, served with a router behind the edge, and at the end allowed to finish.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Edge, EdgeSettings, head_timer::HeadTimer};
use crate::telemetry::metrics::EdgeMetrics;

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest head of a request, in bytes.
const HEAD_SIZE: usize = 64 << 10;
/// The most fields in a head.
const HEAD_FIELDS: usize = 100;
/// How long to wait when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound socket, so that its address is known before anything is served.
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Binds. Port 0 takes any that is free.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// The address with its real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves a router behind the edge until `stop` is cancelled, then waits until requests under way have their answers, but no
/// longer than `grace`.
pub async fn serve(
    listening: Listening,
    router: Router,
    settings: Arc<EdgeSettings>,
    metrics: Arc<EdgeMetrics>,
    stop: CancellationToken,
    grace: Duration,
) {
    let connections = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_SIZE).max_headers(HEAD_FIELDS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_SIZE).unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        .keep_alive_interval(Some(Duration::from_secs(30)));
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listening.listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    if !is_connection_error(&error) {
                        tracing::error!("no connection can be accepted: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        no_delay(&stream);
        if let Some(stalled) = settings.stalled {
            bound_stalling(&stream, stalled);
        }
        let edge = Edge::new(router.clone(), Arc::clone(&settings), Arc::clone(&metrics), peer);
        // A timer of its own for each connection's heads; see there.
        builder.http1().timer(HeadTimer::default());
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(edge));
        let connection = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, "a connection ended: {error}");
            }
        });
    }
    drop(listening);
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end within {} s and were cut off", grace.as_secs());
    }
}

/// Without it, a response in two segments waits for the client's acknowledgement: 40 ms.
fn no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY could not be set: {error}");
    }
}

/// Otherwise who reads no more, or vanished without a word, keeps an answer in memory for as long as they like. The kernel counts, so that it
/// costs nothing while all goes well: `TCP_USER_TIMEOUT` is about what is not acknowledged and about what a closed window keeps from being sent
/// (the latter since Linux 5.11). Who speaks HTTP/2 and reads, but opens no stream's window, is not told apart from one that is slow.
fn bound_stalling(stream: &TcpStream, stalled: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(stalled)) {
        tracing::debug!("TCP_USER_TIMEOUT could not be set: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, stalled);
}

/// Errors of the one connection that was about to be accepted, and not of the listener.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;

    use axum::{body::Body, routing::get};
    use bytes::Bytes;
    use futures::stream;
    use tokio::sync::{Notify, mpsc};

    use super::*;
    use crate::telemetry::metrics::Metrics;

    #[tokio::test]
    async fn who_takes_nothing_is_cut_off() {
        let (held, mut dropped) = mpsc::channel::<()>(1);
        let begun = Arc::new(Notify::new());
        let begins = Arc::clone(&begun);
        let endless = move || {
            let (held, begins) = (held.clone(), Arc::clone(&begins));
            let piece = move || {
                let _held = &held;
                begins.notify_one();
                Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 16 << 10]))
            };
            async move { Body::from_stream(stream::repeat_with(piece)) }
        };
        let router = Router::new().route("/", get(endless));
        let listening = Listening::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listening.address();
        let settings = EdgeSettings { stalled: Some(Duration::from_millis(500)), ..EdgeSettings::default() };
        let stop = CancellationToken::new();
        let metrics = Metrics::default().edge();
        let served = tokio::spawn(serve(listening, router, Arc::new(settings), metrics, stop.clone(), Duration::ZERO));

        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        begun.notified().await;
        // After the listener has stopped, nothing but the connection holds the body.
        stop.cancel();
        served.await.unwrap();
        let gone = tokio::time::timeout(Duration::from_secs(60), dropped.recv()).await;
        assert!(gone.is_ok(), "the answer to who takes nothing is still there");
        drop(client);
    }
}
