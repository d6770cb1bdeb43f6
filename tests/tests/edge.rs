//! The public listener: what every client meets, whoever answers.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
};

use datamp_tests::{
    case::Database,
    component::{built, in_folder, repository},
    host::{Host, Settings},
    http::{Answer, Outgoing, PATIENCE},
    load::Load,
    wait::until,
};
use tokio::task::JoinSet;

async fn host() -> Host {
    Settings::new(Database::Sqlite).component(built("case_hello")).start().await
}

/// Sends these bytes, and answers what comes back until the other side closes. It may do so before it has read all.
fn raw(host: &Host, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(host.public).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It is not half closed: a client of which nothing more comes may be gone, and then gets no answer.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    // A reset in place of the end is what comes of bytes that the other side left unread.
    let is_silence = |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    assert!(!ended.as_ref().is_err_and(is_silence), "neither an answer nor an end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_path_that_nobody_serves_is_a_problem_with_the_requests_id() {
    let host = host().await;
    for path in ["/", "/hell", "/hellos", "/helloworld/x", "/core/v1/shops"] {
        let answer = host.send(Outgoing::get(path).header("x-request-id", "of-the-client.1")).await;
        answer.expect_problem(404, "no-route");
        assert_eq!(answer.json()["request_id"], "of-the-client.1");
        assert_eq!(answer.header("x-request-id"), Some("of-the-client.1"));
    }
    // A path below a component's route is the component's own affair.
    host.get("/hello/nothing").await.expect(404);
}

#[tokio::test]
async fn an_id_that_is_not_well_formed_is_replaced() {
    let host = host().await;
    let long = "x".repeat(65);
    for id in ["", "a b", "ж", "a\tb", "{}", long.as_str()] {
        let answer = host.send(Outgoing::get("/hello/json").header("x-request-id", id)).await.expect(200);
        let ours = answer.header("x-request-id").unwrap();
        assert!(ours != id && ours.len() == 36, "{id:?}: {ours}");
    }
    let ids = [host.get("/hello/json").await, host.get("/hello/json").await];
    assert_ne!(ids[0].header("x-request-id"), ids[1].header("x-request-id"));
}

#[tokio::test]
async fn what_is_no_http_is_answered_400_and_the_connection_closed() {
    let host = host().await;
    for bytes in [
        &b"GET\r\n\r\n"[..],
        b"GET /hello/json\r\n\r\n",
        b"GET /hello/json HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"GET /hello/json HTTP/1.1\r\nhost: x\r\na\0b: c\r\n\r\n",
        b"GET /hello/json HTTP/9.9\r\nhost: x\r\n\r\n",
        b"POST /hello/echo HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /hello/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is a TLS hello",
    ] {
        let answer = raw(&host, bytes);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{:?}: {answer}", String::from_utf8_lossy(bytes));
    }
    host.get("/hello/json").await.expect(200);
}

#[tokio::test]
async fn a_request_can_not_be_smuggled_behind_another() {
    let host = host().await;
    // A length and chunks: whoever goes by the length takes the rest for a second request.
    let answer = raw(
        &host,
        b"POST /hello/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
          0\r\n\r\nGET /hello/json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    // The chunks count, and the connection ends behind them (RFC 9112, 6.1).
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_head_of_the_request_that_is_too_large_is_answered_431() {
    let host = host().await;
    for size in [70 << 10, 1 << 20] {
        let large = format!("GET /hello/json HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(size));
        let answer = raw(&host, large.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let many: String = (0..120).map(|number| format!("x-{number}: y\r\n")).collect();
    let many = format!("GET /hello/json HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    assert!(raw(&host, many.as_bytes()).starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_field_that_is_not_utf_8_is_refused_and_named() {
    let host = host().await;
    let answer = raw(&host, b"GET /hello/json HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-name: \xff\xfe\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("x-name"), "{answer}");
}

#[tokio::test]
async fn a_body_is_as_long_as_the_manifest_allows_at_most() {
    let host = host().await;
    let post = |length: usize| Outgoing::new("POST", "/hello/echo").body(vec![b'x'; length]);
    assert_eq!(host.send(post(1 << 20)).await.expect(200).body.len(), 1 << 20);
    host.send(post((1 << 20) + 1)).await.expect_problem(413, "body-too-large");
    // Without a length, it is counted as it comes.
    let mut chunked =
        b"POST /hello/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n".to_vec();
    for _ in 0..20 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&vec![b'x'; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let mut stream = TcpStream::connect(host.public).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The host may close before it has read all of it.
    let _ = stream.write_all(&chunked);
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_head_request_gets_the_head_of_the_answer_to_a_get() {
    let host = host().await;
    let answer = raw(&host, b"HEAD /hello/json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{answer}");
    let length = host.get("/hello/json").await.expect(200).body.len();
    assert!(head.to_lowercase().contains(&format!("content-length: {length}")), "{head}");
    let problem = raw(&host, b"HEAD /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(problem.starts_with("HTTP/1.1 404 ") && problem.ends_with("\r\n\r\n"), "{problem}");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let mut host = host().await;
    let load = Load::of_path(host.public, 2, "/hello/json");
    for bytes in [
        &b"GET /hello"[..],
        b"GET /hello/json HTTP/1.1\r\n",
        b"POST /hello/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf",
    ] {
        for _ in 0..50 {
            TcpStream::connect(host.public).unwrap().write_all(bytes).unwrap();
        }
    }
    load.advance(200).await;
    load.stop().await.assert_flawless(200);
    until("nothing is under way", async || (host.control.component("hello").await["in_flight"] == 0).then_some(()))
        .await;
    host.assert_well().await;
}

#[tokio::test]
async fn requests_beyond_the_queue_are_turned_away_at_once_and_told_when_to_come_again() {
    let host = host().await;
    let slow = in_folder(&repository().join("tests/components/one-at-a-time"));
    host.control.deployed(slow).await;
    let neighbour = Load::of_path(host.public, 2, "/hello/json");
    let mut sent = JoinSet::new();
    for _ in 0..8 {
        sent.spawn(Outgoing::get("/one-at-a-time/slow").send(host.public, PATIENCE));
    }
    let mut statuses: BTreeMap<u16, Vec<Answer>> = BTreeMap::new();
    while let Some(answer) = sent.join_next().await {
        let answer = answer.unwrap().unwrap();
        statuses.entry(answer.status.as_u16()).or_default().push(answer);
    }
    // One at work and two that wait; one more for each that ended before the last came.
    assert!(statuses[&200].len() >= 3, "{statuses:?}");
    for answer in &statuses[&503] {
        answer.expect_problem(503, "overloaded");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    }
    assert_eq!(statuses[&200].len() + statuses[&503].len(), 8);
    neighbour.advance(20).await;
    neighbour.stop().await.assert_flawless(20);
    host.get("/one-at-a-time/k").await.expect(200);
}

#[tokio::test]
async fn figures_are_told_for_each_component_and_generation() {
    let host = host().await;
    for _ in 0..5 {
        host.get("/hello/json").await.expect(200);
    }
    host.get("/hello/nothing").await.expect(404);
    let figures = host.get("/metrics").await.expect(200).text();
    let lines: Vec<&str> = figures.lines().filter(|line| line.contains("component=\"hello\"")).collect();
    assert!(lines.iter().any(|line| line.contains("generation=\"1\"")), "{figures}");
    let count: f64 = lines
        .iter()
        .filter(|line| line.starts_with("datamp_component_requests_total"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((count - 6.0).abs() < f64::EPSILON, "{figures}");
    assert!(figures.trim_end().ends_with("# EOF"), "{figures}");
}

#[tokio::test]
async fn a_trace_that_a_client_began_is_continued_in_the_log() {
    let host = Settings::new(Database::Sqlite).component(built("case_panic")).start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    host.send(Outgoing::get("/panic/now").header("traceparent", &parent)).await.expect(500);
    let logged = host.control.logs("panic").await;
    assert!(logged.contains(trace), "{logged}");
    let wrong = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
    host.send(Outgoing::get("/panic/now").header("traceparent", &wrong)).await.expect(500);
    assert!(!host.control.logs("panic").await.contains(&"0".repeat(32)));
}

#[tokio::test]
async fn an_address_is_believed_from_a_trusted_proxy_alone() {
    let settings = || Settings::new(Database::Sqlite).component(built("case_panic"));
    let forwarded = || Outgoing::get("/panic/now").header("x-forwarded-for", "203.0.113.7");
    let host = settings().start().await;
    host.send(forwarded()).await.expect(500);
    assert!(host.control.logs("panic").await.contains("told to 127.0.0.1"));
    let host = settings().argument("--trusted-proxy").argument("127.0.0.0/8").start().await;
    host.send(forwarded()).await.expect(500);
    assert!(host.control.logs("panic").await.contains("told to 203.0.113.7"));
}

#[tokio::test]
async fn a_slow_client_does_not_hold_others_up() {
    let host = host().await;
    // What gives them minutes for their bodies.
    host.control.deployed(in_folder(&repository().join("tests/components/failing-callee/callee"))).await;
    let under_way = async || host.control.component("callee").await["in_flight"].as_u64().unwrap();
    let mut slow: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(host.public).unwrap()).collect();
    for stream in &mut slow {
        stream.write_all(b"POST /callee/k HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n").unwrap();
    }
    until("all are under way", async || (under_way().await == 100).then_some(())).await;
    let load = Load::of_path(host.public, 4, "/hello/json");
    load.advance(500).await;
    load.stop().await.assert_flawless(500);
    assert_eq!(under_way().await, 100, "the others have waited for them");
}
