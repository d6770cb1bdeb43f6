//! Answers that are too long, too slow or broken, and connections that fail.

use super::{
    server::{Server, Then},
    *,
};
use crate::rounds::Rounds;

const LIMIT: usize = 8 << 20;

async fn ask(server: &Server, timeout_ms: Option<u32>) -> Result<IncomingResponse, SendError> {
    let outbound = client(&Names::of(&[("api.test", &["127.0.0.1"])]), &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.port);
    let mut request = get(&origin);
    request.timeout_ms = timeout_ms;
    send(&outbound, &origin, request).await
}

fn sized(length: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + length, b'a');
    answer
}

#[tokio::test]
async fn an_answer_has_at_most_8_mib() {
    let longest = Server::start(sized(LIMIT), Then::KeepsOn).await;
    assert_eq!(ask(&longest, None).await.unwrap().body.len(), LIMIT);
    let announced = Server::start(sized(LIMIT + 1), Then::KeepsOn).await;
    assert_eq!(ask(&announced, None).await.map(drop), Err(SendError::TooLarge(LIMIT as u64)));
    // Nobody said how long it would be.
    let mut endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    endless.resize(endless.len() + LIMIT + 1, b'a');
    let endless = Server::start(endless, Then::Closes).await;
    assert_eq!(ask(&endless, None).await.map(drop), Err(SendError::TooLarge(LIMIT as u64)));
}

#[tokio::test]
async fn a_slow_server_is_left_in_time() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"] {
        let server = Server::start(answer, Then::Stalls).await;
        let rounds = Rounds::begin();
        loop {
            let start = Instant::now();
            assert_eq!(ask(&server, Some(200)).await.map(drop), Err(SendError::Timeout), "{answer:?}");
            let took = start.elapsed();
            assert!(took >= Duration::from_millis(150), "{took:?}");
            if rounds.quick(took, Duration::from_secs(2)) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_callers_deadline_is_shorter_than_its_wish() {
    let server = Server::start("", Then::Stalls).await;
    let outbound = client(&Names::of(&[("api.test", &["127.0.0.1"])]), &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.port);
    let hosts = AllowedHosts::parse([origin.as_str()]).unwrap();
    let rounds = Rounds::begin();
    loop {
        let mut request = get(&origin);
        request.timeout_ms = Some(u32::MAX);
        let start = Instant::now();
        let deadline = start + Duration::from_millis(200);
        let answer = exchange(&outbound, &hosts, TraceContext::generate(), deadline, request).await;
        assert_eq!(answer.map(drop), Err(SendError::Timeout));
        if rounds.quick(start.elapsed(), Duration::from_secs(2)) {
            break;
        }
    }
}

#[tokio::test]
async fn a_broken_answer_is_an_error() {
    for answer in [
        "",
        "no HTTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal",
    ] {
        let server = Server::start(answer, Then::Closes).await;
        let broken = ask(&server, None).await.map(drop);
        assert!(matches!(broken, Err(SendError::Connection(_))), "{answer:?}: {broken:?}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_replaced() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    let server = Server::start(answer, Then::Closes).await;
    let outbound = client(&Names::of(&[("api.test", &["127.0.0.1"])]), &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.port);
    for _ in 0..5 {
        assert_eq!(send(&outbound, &origin, get(&origin)).await.unwrap().body, b"hi");
    }
}

#[tokio::test]
async fn names_without_an_address_and_closed_ports_have_errors_of_their_own() {
    let names = Names::of(&[("nowhere.test", &[]), ("closed.test", &["127.0.0.1"])]);
    let outbound = client(&names, &["127.0.0.1"]);
    let unresolved = |name: &str| Err(SendError::Unresolved(name.to_owned()));
    assert_eq!(
        send(&outbound, "missing.test", get("https://missing.test")).await.map(drop),
        unresolved("missing.test")
    );
    assert_eq!(
        send(&outbound, "nowhere.test", get("https://nowhere.test")).await.map(drop),
        unresolved("nowhere.test")
    );
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let origin = format!("http://closed.test:{closed}");
    let refused = Err(SendError::Connection("the connection was refused".to_owned()));
    assert_eq!(send(&outbound, &origin, get(&origin)).await.map(drop), refused);
}

#[tokio::test]
async fn where_one_address_fails_the_next_is_tried() {
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", Then::KeepsOn).await;
    let names = Names::of(&[("api.test", &["127.0.0.2", "127.0.0.3", "127.0.0.1"])]);
    let outbound = client(&names, &["127.0.0.0/8"]);
    let origin = format!("http://api.test:{}", server.port);
    assert_eq!(send(&outbound, &origin, get(&origin)).await.unwrap().status, 200);
}
