use super::*;
use datamp_sdk::Method;

fn once(method: &str, path: &str, key: &str) -> Once {
    Once { key: key.into(), method: method.into(), path: path.into(), request_id: "req-1".into() }
}

fn known(free: bool, fingerprint: Option<&str>) -> Known {
    Known {
        place: 0,
        free,
        fingerprint: fingerprint.map(str::to_owned),
        status: fingerprint.map(|_| 201),
        location: fingerprint.map(|_| "/core/v1/payments/pay_1".to_owned()),
        body: fingerprint.map(|_| "{\"id\":\"pay_1\"}".to_owned()),
    }
}

#[test]
fn a_new_key_is_carried_out() {
    assert_eq!(decide(known(true, None), "a"), Decision::CarryOut);
}

#[test]
fn a_key_that_is_being_worked_on_is_in_use() {
    assert_eq!(decide(known(false, None), "a"), Decision::KeyInUse);
}

#[test]
fn the_same_request_is_answered_again_whoever_holds_the_lock() {
    for free in [true, false] {
        let Decision::Replay(reply) = decide(known(free, Some("a")), "a") else { panic!("not a replay") };
        let response = reply.into_response(true);
        assert_eq!(response.status(), 201);
        assert_eq!(response.header_value("location"), Some("/core/v1/payments/pay_1"));
        assert_eq!(response.header_value("content-type"), Some("application/json"));
        assert_eq!(response.header_value("idempotency-replayed"), Some("true"));
        assert_eq!(response.bytes(), b"{\"id\":\"pay_1\"}");
    }
}

#[test]
fn another_request_with_the_key_is_refused() {
    assert_eq!(decide(known(true, Some("a")), "b"), Decision::KeyReused);
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

#[test]
fn of_two_requests_with_one_key_in_a_batch_the_second_comes_after_the_first() {
    let shop = ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap();
    let (a, b) = (once("POST", "/p", "a"), once("POST", "/p", "b"));
    let asked: Vec<_> = [(&a, 1), (&b, 1), (&a, 1), (&a, 2), (&b, 2)]
        .iter()
        .map(|(once, body)| once.asked(&shop, body).unwrap())
        .collect();
    assert_eq!(firsts(&asked), [0, 1, 0, 0, 1]);

    let (mut outcomes, to_carry_out) =
        sort_out(&asked, vec![Known { place: 1, ..known(false, None) }, Known { place: 0, ..known(true, None) }]);
    assert_eq!(to_carry_out, [0]);
    let reply = Reply { status: 201, location: None, body: "{}".into() };
    outcomes[0] = Some(Outcome::Answered { reply: reply.clone(), replayed: false });
    let told: Vec<_> =
        firsts(&asked).into_iter().enumerate().map(|(p, f)| told(&asked, &outcomes, p, f).unwrap()).collect();
    assert_eq!(
        told,
        [
            Outcome::Answered { reply: reply.clone(), replayed: false },
            Outcome::KeyInUse,
            Outcome::Answered { reply, replayed: true },
            Outcome::KeyReused,
            Outcome::KeyInUse,
        ]
    );
}

#[test]
fn what_was_not_looked_up_is_not_answered() {
    let shop = ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap();
    let a = once("POST", "/p", "a");
    let asked = [a.asked(&shop, &1).unwrap()];
    let (outcomes, to_carry_out) = sort_out(&asked, vec![Known { place: 7, ..known(true, None) }]);
    assert!(to_carry_out.is_empty());
    assert_eq!(told(&asked, &outcomes, 0, 0), None);
}
