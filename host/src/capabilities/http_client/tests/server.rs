//! A server that answers every request alike, and remembers what it was sent.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

/// What it does after its answer.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    /// Waits for the next request.
    KeepsOn,
    /// Closes the connection.
    Closes,
    /// Keeps the connection and never says anything again.
    Stalls,
}

pub(super) struct Server {
    pub(super) port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Server {
    /// Answers with these bytes on 127.0.0.1.
    pub(super) async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let (seen, answer) = (Arc::clone(&server.seen), Arc::new(answer.into()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &seen, &answer, then).await });
            }
        });
        server
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Seen, answer: &[u8], then: Then) {
    let mut stream = stream;
    while let Some(request) = read_request(&mut stream).await {
        seen.requests.lock().unwrap().push(request);
        if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match then {
            Then::KeepsOn => {}
            Then::Closes => return,
            Then::Stalls => std::future::pending().await,
        }
    }
}

/// One request, with as much of a body as its content-length says.
pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => request.extend_from_slice(&chunk[..length]),
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
    }
}
