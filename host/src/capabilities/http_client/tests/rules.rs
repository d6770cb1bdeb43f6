//! Who may be called, and what goes out.

use super::{
    server::{Server, Then},
    *,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-seen: a\r\nx-seen: b\r\nconnection: keep-alive\r\n\r\nhi";

#[tokio::test]
async fn an_allowed_host_is_called_and_its_answer_comes_back() {
    let server = Server::start(OK, Then::KeepsOn).await;
    let names = Names::of(&[("api.test", &["127.0.0.1"])]);
    let outbound = client(&names, &["127.0.0.1"]);
    let pattern = format!("http://api.test:{}", server.port);
    for _ in 0..3 {
        let answer = send(&outbound, &pattern, get(format!("{pattern}/a/b?c=d#e"))).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hi"[..]));
        let fields: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(fields, ["content-length: 2", "x-seen: a", "x-seen: b"], "the connection's own are left out");
    }
    assert_eq!((server.connections(), names.asked()), (1, 1), "the connection is used again");
    assert!(server.requests()[0].starts_with("GET /a/b?c=d HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_goes_out_is_the_request_and_the_trace() {
    let server = Server::start(OK, Then::KeepsOn).await;
    let outbound = client(&Names::of(&[("api.test", &["127.0.0.1"])]), &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.port);
    let trace = TraceContext::generate();
    let request = OutgoingRequest {
        method: Method::Other("PURGE".to_owned()),
        url: format!("{origin}/x"),
        headers: vec![
            ("X-One".to_owned(), "1".to_owned()),
            ("x-one".to_owned(), "два".to_owned()),
            ("Content-Length".to_owned(), "4".to_owned()),
            ("traceparent".to_owned(), "00-00000000000000000000000000000001-0000000000000001-01".to_owned()),
        ],
        body: b"body".to_vec(),
        timeout_ms: None,
    };
    let hosts = AllowedHosts::parse([origin.as_str()]).unwrap();
    exchange(&outbound, &hosts, trace, soon(), request).await.unwrap();
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "body");
    let mut lines: Vec<_> = head.lines().collect();
    let position = lines.iter().position(|line| line.starts_with("traceparent: ")).unwrap();
    let sent = TraceContext::parse(lines.remove(position).strip_prefix("traceparent: ").unwrap()).unwrap();
    assert_eq!(sent.trace_id(), trace.trace_id());
    assert_ne!(sent, trace, "a span of its own");
    lines.sort_unstable();
    let host = format!("host: api.test:{}", server.port);
    assert_eq!(lines, ["PURGE /x HTTP/1.1", "content-length: 4", &host, "x-one: 1", "x-one: два"]);
}

#[tokio::test]
async fn a_host_that_was_not_granted_is_not_even_resolved() {
    let names = Names::of(&[("api.test", &["127.0.0.1"]), ("other.test", &["127.0.0.1"])]);
    let outbound = client(&names, &["127.0.0.1"]);
    for (url, host) in [
        ("https://other.test/", "other.test"),
        ("http://api.test/", "api.test"),
        ("https://api.test:8443/", "api.test"),
        ("https://api.test.other.test/", "api.test.other.test"),
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://other.test\\@api.test/", "other.test"),
    ] {
        assert_eq!(
            send(&outbound, "api.test", get(url)).await.map(drop),
            Err(SendError::HostNotAllowed(host.to_owned())),
            "{url}"
        );
    }
    assert_eq!(names.asked(), 0);
}

#[tokio::test]
async fn a_private_address_behind_an_allowed_name_is_not_called() {
    let server = Server::start(OK, Then::KeepsOn).await;
    let names = Names::of(&[
        ("loopback.test", &["127.0.0.1"]),
        ("mapped.test", &["::ffff:127.0.0.1"]),
        ("metadata.test", &["169.254.169.254"]),
        // A public address beside it does not help, in either order.
        ("mixed.test", &["8.8.8.8", "127.0.0.1"]),
        ("mixed2.test", &["127.0.0.1", "8.8.8.8"]),
        ("nat64.test", &["64:ff9b::7f00:1"]),
    ]);
    let outbound = client(&names, &[]);
    for (name, address) in [
        ("loopback.test", "127.0.0.1"),
        ("mapped.test", "::ffff:127.0.0.1"),
        ("metadata.test", "169.254.169.254"),
        ("mixed.test", "127.0.0.1"),
        ("mixed2.test", "127.0.0.1"),
        ("nat64.test", "64:ff9b::7f00:1"),
    ] {
        let origin = format!("http://{name}:{}", server.port);
        let refused = send(&outbound, &origin, get(&origin)).await.map(drop);
        assert_eq!(refused, Err(SendError::AddressNotAllowed(address.parse().unwrap())), "{name}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_too_however_it_is_written() {
    let server = Server::start(OK, Then::KeepsOn).await;
    let names = Names::of(&[]);
    let outbound = client(&names, &[]);
    for host in [
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0",
    ] {
        let origin = format!("http://{host}:{}", server.port);
        let refused = send(&outbound, &origin, get(&origin)).await.map(drop);
        assert!(matches!(refused, Err(SendError::AddressNotAllowed(_))), "{host}: {refused:?}");
    }
    assert_eq!((server.connections(), names.asked()), (0, 0));
    let origin = format!("http://127.0.0.1:{}", server.port);
    assert!(
        send(&client(&names, &["127.0.0.1"]), &origin, get(&origin)).await.is_ok(),
        "unless the operator allows it"
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let secret = Server::start(OK, Then::KeepsOn).await;
    let location = format!("http://127.0.0.1:{}/secret", secret.port);
    let moved = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let server = Server::start(moved, Then::KeepsOn).await;
    let outbound = client(&Names::of(&[("api.test", &["127.0.0.1"])]), &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.port);
    let answer = send(&outbound, &origin, get(&origin)).await.unwrap();
    assert_eq!(answer.status, 302);
    assert!(answer.headers.contains(&("location".to_owned(), location)));
    assert_eq!(secret.connections(), 0);
}

#[tokio::test]
async fn malformed_urls_methods_and_headers_are_refused() {
    let outbound = client(&Names::of(&[]), &[]);
    for url in [
        "",
        "/path",
        "api.test",
        "//api.test",
        "ftp://api.test",
        "file:///etc/passwd",
        "https://",
        "https://u:p@api.test/",
        "https://api.test:99999/",
    ] {
        let refused = send(&outbound, "api.test", get(url)).await.map(drop);
        assert!(matches!(refused, Err(SendError::InvalidUrl(_))), "{url:?}: {refused:?}");
    }
    for (name, value) in [
        ("", "a"),
        ("a b", "a"),
        ("a:b", "a"),
        ("имя", "a"),
        ("x-a", "a\r\nx-b: b"),
        ("x-a", "a\nb"),
        ("x-a", "a\0b"),
        ("host", "evil.test"),
        ("Host", "evil.test"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic YTpi"),
        ("content-length", "1"),
        ("content-length", "+0"),
    ] {
        let mut request = get("https://api.test/");
        request.headers.push((name.to_owned(), value.to_owned()));
        let refused = send(&outbound, "api.test", request).await.map(drop);
        assert!(matches!(refused, Err(SendError::InvalidHeader(_))), "{name}: {value:?}: {refused:?}");
    }
    for method in ["CONNECT", "", "GET /", "G\r\nT"] {
        let mut request = get("https://api.test/");
        request.method = Method::Other(method.to_owned());
        let refused = send(&outbound, "api.test", request).await.map(drop);
        assert!(matches!(refused, Err(SendError::InvalidHeader(_))), "{method:?}: {refused:?}");
    }
}

#[tokio::test]
async fn plain_wasi_components_keep_the_same_rules() {
    use http_body_util::{BodyExt, Empty};
    use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

    let server = Server::start(OK, Then::KeepsOn).await;
    let names = Names::of(&[("api.test", &["127.0.0.1"]), ("private.test", &["10.0.0.1"])]);
    let outbound = client(&names, &["127.0.0.1"]);
    let hosts = [format!("http://api.test:{}", server.port), "http://private.test".to_owned()];
    let hosts = AllowedHosts::parse(hosts.iter().map(String::as_str)).unwrap();
    let request = async |url: &str| {
        let body: WasiBody = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::get(url).header("host", "evil.test").body(body).unwrap();
        wasi::send(&outbound, &hosts, TraceContext::generate(), soon(), request, RequestOptions::default()).await
    };
    let answer = request(&format!("http://api.test:{}/x", server.port)).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hi");
    let sent = server.requests().remove(0);
    assert!(sent.contains(&format!("host: api.test:{}\r\n", server.port)) && !sent.contains("evil"), "{sent}");
    assert!(matches!(request("http://other.test/").await, Err(Error::HttpRequestDenied)));
    assert!(matches!(request("http://private.test/").await, Err(Error::DestinationIpProhibited)));
    assert!(matches!(request("http://private.test@api.test/").await, Err(Error::HttpRequestUriInvalid)));
    assert!(matches!(request("/x").await, Err(Error::HttpRequestUriInvalid)));
}

#[tokio::test]
async fn who_may_call_anybody_calls_nobody_that_is_not_public() {
    let names = Names::of(&[
        ("inside.test", &["10.0.0.7"]),
        ("bait.test", &["93.184.216.34", "169.254.169.254"]),
        ("mapped.test", &["::ffff:127.0.0.1"]),
    ]);
    for opened in [&[][..], &["127.0.0.9"]] {
        let outbound = client(&names, opened);
        for (url, address) in [
            ("https://inside.test/", "10.0.0.7"),
            ("https://bait.test/", "169.254.169.254"),
            ("https://mapped.test/", "::ffff:127.0.0.1"),
            ("https://127.0.0.1/", "127.0.0.1"),
            ("https://2130706433/", "127.0.0.1"),
            ("https://[::ffff:a00:1]/", "::ffff:10.0.0.1"),
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ] {
            let refused = SendError::AddressNotAllowed(address.parse().unwrap());
            assert_eq!(send(&outbound, "https://*", get(url)).await.map(drop), Err(refused), "{url}");
        }
        for url in ["http://127.0.0.1/", "http://inside.test/", "https://inside.test:22/"] {
            let refused = send(&outbound, "https://*", get(url)).await.map(drop);
            assert!(matches!(refused, Err(SendError::HostNotAllowed(_))), "{url}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn who_may_call_anybody_calls_the_addresses_that_the_operator_opened() {
    let server = Server::start(OK, Then::KeepsOn).await;
    let outbound = client(&Names::of(&[]), &["127.0.0.1"]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    assert_eq!(send(&outbound, "https://*", get(url)).await.unwrap().status, 200);
}
