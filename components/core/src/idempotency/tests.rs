use super::*;
use datamp_sdk::Method;

fn once(method: &str, path: &str, key: &str) -> Once {
    Once { key: key.into(), method: method.into(), path: path.into(), request_id: "req-1".into() }
}

#[test]
fn an_answer_that_is_given_again_says_so() {
    let reply =
        Reply { status: 201, location: Some("/core/v1/payments/pay_1".into()), body: "{\"id\":\"pay_1\"}".into() };
    let response = reply.into_response(true);
    assert_eq!(response.status(), 201);
    assert_eq!(response.header_value("location"), Some("/core/v1/payments/pay_1"));
    assert_eq!(response.header_value("content-type"), Some("application/json"));
    assert_eq!(response.header_value("idempotency-replayed"), Some("true"));
    assert_eq!(response.bytes(), b"{\"id\":\"pay_1\"}");
}

#[test]
fn another_request_with_the_key_is_422() {
    assert_eq!((key_reused().status(), key_reused().slug().to_owned()), (422, "idempotency-key-reused".into()));
}

#[test]
fn a_kept_refusal_is_a_problem_with_the_id_of_the_request_that_was_refused() {
    let refusal = Problem::new(402, "insufficient-funds", "Too little");
    let response = once("POST", "/", "k").refusal(&refusal).into_response(true);
    assert_eq!(response.status(), 402);
    assert_eq!(response.header_value("content-type"), Some("application/problem+json"));
    let document: serde_json::Value = serde_json::from_slice(response.bytes()).unwrap();
    assert_eq!(document["request_id"], "req-1");
    assert_eq!(document["type"], "https://datamp.dev/problems/insufficient-funds");
}

#[test]
fn parts_of_a_digest_do_not_run_into_each_other() {
    let hex = |parts: &[&str]| hex::encode(digest(parts));
    assert_ne!(hex(&["ab", "c"]), hex(&["a", "bc"]));
    assert_ne!(hex(&["a", ""]), hex(&["a"]));
    assert_eq!(hex(&["a", "b"]), hex(&["a", "b"]));
}

#[test]
fn locks_differ_by_shop_and_key() {
    let shop = |suffix: char| ShopId::parse(&format!("shop_01h455vb4pex5vsknk084sn02{suffix}")).unwrap();
    let lock = |shop: &ShopId, key: &str| once("POST", "/", key).lock(shop);
    assert_eq!(lock(&shop('q'), "k"), lock(&shop('q'), "k"));
    assert_ne!(lock(&shop('q'), "k"), lock(&shop('r'), "k"));
    assert_ne!(lock(&shop('q'), "k"), lock(&shop('q'), "l"));
}

#[test]
fn a_request_without_a_key_is_400() {
    let mut router = datamp_sdk::Router::new();
    router.post("/", |once: Once| once.key);
    let answer = router.handle(&Request::new(Method::Post, "/"));
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("idempotency-key-missing"));
    let answer = router.handle(&Request::new(Method::Post, "/").with_header("Idempotency-Key", "\"k1\""));
    assert_eq!(answer.text(), "k1");
}
