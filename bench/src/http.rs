//! A lean HTTP/1.1 client over one kept-alive connection: what the load is made with, and how the control plane is spoken to.

use std::{fmt, io, net::SocketAddr, ops::Range};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The most header fields that a response may have.
const MAX_FIELDS: usize = 64;

/// How much is read at once. A read that fills less of it tells tokio that the socket is drained, which spares the
/// `read` that would only answer `EAGAIN`.
const READ_SIZE: usize = 16 << 10;

/// The longest head of a response, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// Why an exchange gave no response that can be used.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Failure {
    /// No connection could be made.
    Connect(io::ErrorKind),
    /// The connection was closed before the first byte of the response.
    Closed,
    /// The connection was closed within the response.
    ShortRead,
    /// The connection broke: reset, broken pipe and the like.
    Broken(io::ErrorKind),
    /// The response did not come in time.
    Stalled,
    /// What came is no HTTP/1.1 response, or one whose length it does not tell.
    Malformed(&'static str),
    /// A response with another status than the one expected.
    Status(u16),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "no connection: {kind}"),
            Self::Closed => f.write_str("closed before the response"),
            Self::ShortRead => f.write_str("closed within the response"),
            Self::Broken(kind) => write!(f, "connection broke: {kind}"),
            Self::Stalled => f.write_str("stalled"),
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Stands for a number of 16 hexadecimal digits, another one for each request.
pub(crate) const NUMBER: &str = "{{--number----}}";

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Where [`NUMBER`] stands.
    numbers: Vec<usize>,
}

impl Request {
    /// Builds a request. `target` is the path with its query.
    pub(crate) fn new(method: &str, host: &str, target: &str, fields: &[(String, String)], body: &[u8]) -> Self {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n").into_bytes();
        for (name, value) in fields {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        let stands = |(at, part): (usize, &[u8])| (part == NUMBER.as_bytes()).then_some(at);
        let numbers = bytes.windows(NUMBER.len()).enumerate().filter_map(stands).collect();
        Self { bytes, numbers }
    }

    /// Puts a number where [`NUMBER`] stands.
    pub(crate) fn set_number(&mut self, number: u64) {
        if self.numbers.is_empty() {
            return;
        }
        let digits = format!("{number:016x}");
        for at in &self.numbers {
            if let Some(place) = self.bytes.get_mut(*at..*at + NUMBER.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Response<'connection> {
    /// The status code.
    pub(crate) status: u16,
    /// The whole body.
    pub(crate) body: &'connection [u8],
    /// Whether the server closes the connection after it, so that the next request needs another.
    pub(crate) last: bool,
}

/// Sends one request on a connection of its own, and answers the status and the body.
///
/// # Errors
/// Whatever kept a whole response from coming.
pub(crate) async fn send(address: SocketAddr, request: &Request) -> Result<(u16, Vec<u8>), Failure> {
    let mut connection = Connection::open(address).await?;
    let response = connection.exchange(request).await?;
    Ok((response.status, response.body.to_vec()))
}

/// One connection. After a [`Failure`] it is good for nothing more.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    chunks: Vec<u8>,
}

impl Connection {
    /// Connects, with TCP_NODELAY.
    ///
    /// # Errors
    /// [`Failure::Connect`].
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let connect = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            io::Result::Ok(stream)
        };
        let stream = connect.await.map_err(|error| Failure::Connect(error.kind()))?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ_SIZE), chunks: Vec::new() })
    }

    /// Sends a request and reads its response to the last byte.
    ///
    /// # Errors
    /// Whatever kept a whole response from coming; never [`Failure::Status`] or [`Failure::Stalled`], which are the
    /// caller's to judge.
    pub(crate) async fn exchange(&mut self, request: &Request) -> Result<Response<'_>, Failure> {
        self.buffer.clear();
        self.stream.write_all(&request.bytes).await.map_err(|error| Failure::Broken(error.kind()))?;
        let (head, end_of_head) = loop {
            self.read_more().await?;
            if let Some(found) = Head::parse(&self.buffer)? {
                break found;
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(Failure::Malformed("the head is too long"));
            }
        };
        let body = match head.length {
            Length::Exactly(length) => {
                let end = end_of_head.checked_add(length).ok_or(Failure::Malformed("content-length"))?;
                while self.buffer.len() < end {
                    self.read_more().await?;
                }
                if self.buffer.len() > end {
                    return Err(Failure::Malformed("bytes after the response"));
                }
                self.buffer.get(end_of_head..end)
            }
            Length::Chunked => {
                self.read_chunks(end_of_head).await?;
                Some(self.chunks.as_slice())
            }
        };
        Ok(Response { status: head.status, body: body.unwrap_or_default(), last: head.last })
    }

    async fn read_more(&mut self) -> Result<(), Failure> {
        self.buffer.reserve(READ_SIZE);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) if self.buffer.is_empty() => Err(Failure::Closed),
            Ok(0) => Err(Failure::ShortRead),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Broken(error.kind())),
        }
    }

    /// Reads a chunked body (RFC 9112, section 7.1) from `position` of the buffer on, into `chunks`.
    async fn read_chunks(&mut self, mut position: usize) -> Result<(), Failure> {
        const BAD: Failure = Failure::Malformed("chunk");
        self.chunks.clear();
        loop {
            let rest = self.buffer.get(position..).unwrap_or_default();
            let (start, size) = match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete((skip, size))) => (position + skip, size),
                Ok(httparse::Status::Partial) => {
                    self.read_more().await?;
                    continue;
                }
                Err(_) => return Err(BAD),
            };
            // A chunk's data is followed by CRLF; the last chunk, of size 0, by CRLF alone, as no trailers were asked for.
            let data = range(start, size).ok_or(BAD)?;
            let end = data.end.checked_add(2).ok_or(BAD)?;
            while self.buffer.len() < end {
                self.read_more().await?;
            }
            if self.buffer.get(data.end..end) != Some(b"\r\n") {
                return Err(BAD);
            }
            self.chunks.extend_from_slice(self.buffer.get(data).unwrap_or_default());
            position = end;
            if size == 0 {
                return if self.buffer.len() == end {
                    Ok(())
                } else {
                    Err(Failure::Malformed("bytes after the response"))
                };
            }
        }
    }
}

fn range(start: usize, size: u64) -> Option<Range<usize>> {
    Some(start..start.checked_add(usize::try_from(size).ok()?)?)
}

/// How the end of a body is found (RFC 9112, section 6.3).
enum Length {
    Exactly(usize),
    Chunked,
}

/// What matters of a response's head.
struct Head {
    status: u16,
    length: Length,
    last: bool,
}

impl Head {
    /// The head and its length in bytes, or `None` while it is not all there.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Failure> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let end = match response.parse(bytes) {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Failure::Malformed("head")),
        };
        let status = response.code.unwrap_or_default();
        let mut last = response.version == Some(0);
        let mut length = None;
        let mut chunked = false;
        for field in response.headers.iter() {
            if field.name.eq_ignore_ascii_case("content-length") {
                let text = std::str::from_utf8(field.value).unwrap_or_default();
                let value: usize = text.trim().parse().map_err(|_| Failure::Malformed("content-length"))?;
                if length.is_some_and(|earlier| earlier != value) {
                    return Err(Failure::Malformed("two content-lengths"));
                }
                length = Some(value);
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = field.value.eq_ignore_ascii_case(b"chunked");
                if !chunked {
                    return Err(Failure::Malformed("transfer-encoding"));
                }
            } else if field.name.eq_ignore_ascii_case("connection") {
                last |= field.value.eq_ignore_ascii_case(b"close");
            }
        }
        let length = match (status, chunked, length) {
            (204 | 304, ..) => Length::Exactly(0),
            (100..=199, ..) => return Err(Failure::Malformed("an interim response")),
            (_, true, None) => Length::Chunked,
            (_, true, Some(_)) => return Err(Failure::Malformed("content-length beside chunks")),
            (_, false, Some(length)) => Length::Exactly(length),
            (_, false, None) => return Err(Failure::Malformed("a body of unknown length")),
        };
        Ok(Some((Self { status, length, last }, end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::scripted;

    async fn ask(script: &'static [&'static [u8]]) -> Result<(u16, Vec<u8>, bool), Failure> {
        let mut connection = Connection::open(scripted(script).await).await.unwrap();
        let request = Request::new("GET", "test", "/", &[], b"");
        connection.exchange(&request).await.map(|response| (response.status, response.body.to_vec(), response.last))
    }

    #[test]
    fn a_request_is_written_as_http_1_1() {
        let fields = [("authorization".to_owned(), "Bearer x".to_owned())];
        let request = Request::new("POST", "127.0.0.1:1", "/a?b=c", &fields, b"{}");
        assert_eq!(
            String::from_utf8(request.bytes).unwrap(),
            "POST /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:1\r\nauthorization: Bearer x\r\ncontent-length: 2\r\n\r\n{}"
        );
    }

    #[tokio::test]
    async fn a_response_is_read_to_its_end_however_it_is_cut() {
        let whole = Ok((200, b"hello".to_vec(), false));
        assert_eq!(ask(&[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"]).await, whole);
        assert_eq!(ask(&[b"HTTP/1.1 200 O", b"K\r\nContent-Length: 5\r\n\r", b"\nhel", b"lo"]).await, whole);
        assert_eq!(
            ask(&[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"]).await,
            whole
        );
        assert_eq!(
            ask(&[
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2",
                b"\r\nhe\r",
                b"\n3\r\nllo\r\n0\r\n",
                b"\r\n"
            ])
            .await,
            whole
        );
    }

    #[tokio::test]
    async fn a_response_without_a_body_needs_no_length() {
        assert_eq!(ask(&[b"HTTP/1.1 204 No Content\r\n\r\n"]).await, Ok((204, Vec::new(), false)));
    }

    #[tokio::test]
    async fn a_closing_server_is_noticed() {
        let response = ask(&[b"HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"]).await;
        assert_eq!(response, Ok((503, Vec::new(), true)));
    }

    #[tokio::test]
    async fn a_response_that_ends_early_is_a_short_read() {
        assert_eq!(ask(&[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell"]).await, Err(Failure::ShortRead));
        assert_eq!(ask(&[b"HTTP/1.1 200 OK\r\ncont"]).await, Err(Failure::ShortRead));
        assert_eq!(
            ask(&[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"]).await,
            Err(Failure::ShortRead)
        );
        assert_eq!(ask(&[]).await, Err(Failure::Closed));
    }

    #[tokio::test]
    async fn what_is_no_response_is_malformed() {
        const SCRIPTS: [&[&[u8]]; 7] = [
            &[b"SSH-2.0\r\n\r\n"],
            &[b"HTTP/1.1 200 OK\r\n\r\nhello"],
            &[b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello"],
            &[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 4\r\n\r\nhello"],
            &[b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhello"],
            &[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello0\r\n\r\n"],
            &[b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n"],
        ];
        for script in SCRIPTS {
            assert!(matches!(ask(script).await, Err(Failure::Malformed(_))), "{script:?}");
        }
    }

    #[test]
    fn a_number_is_put_wherever_it_stands_and_again() {
        let fields = [("idempotency-key".to_owned(), format!("k-{NUMBER}"))];
        let mut request = Request::new("POST", "h", "/", &fields, format!("{{\"reference\":\"{NUMBER}\"}}").as_bytes());
        for number in [0x1234_u64, u64::MAX] {
            request.set_number(number);
            let text = String::from_utf8(request.bytes.clone()).unwrap();
            assert_eq!(text.matches(&format!("{number:016x}")).count(), 2, "{text}");
            assert!(text.contains("content-length: 32\r\n"), "{text}");
        }
    }
}
