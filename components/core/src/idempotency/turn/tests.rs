use datamp_models::core::ShopId;
use proptest::prelude::*;

use super::super::Once;
use super::*;

const A_SHOP: &str = "shop_01h455vb4pex5vsknk084sn02q";

fn once(key: &str) -> Once {
    Once { key: key.into(), method: "POST".into(), path: "/p".into(), request_id: "req-1".into() }
}

/// What each request of a batch is told: each is a key and a body. `know` says what is known of a key before, and what is carried
/// out is answered with its place.
fn tell(batch: &[(&str, u8)], know: impl Fn(&str, &Asked<'_>) -> Known) -> (Vec<usize>, Vec<Option<Outcome>>) {
    let shop = ShopId::parse(A_SHOP).unwrap();
    let onces: Vec<_> = batch.iter().map(|(key, body)| (once(key), body)).collect();
    let asked: Vec<_> = onces.iter().map(|(once, body)| once.asked(&shop, body).unwrap()).collect();
    let leaders = leaders(&asked);
    let looked_up = leaders.iter().enumerate().filter(|(place, leader)| place == *leader);
    let known = looked_up.map(|(place, _)| Known { place, ..know(asked[place].key(), &asked[place]) }).collect();
    let turns = turns(&asked, &leaders, known);
    let carried_out: BTreeMap<_, _> =
        (0..turns.len()).filter(|place| turns[*place] == Turn::CarryOut).map(|place| (place, reply(place))).collect();
    let places = carried_out.keys().copied().collect();
    (places, turns.into_iter().enumerate().map(|(place, turn)| turn.told(place, &asked, &carried_out)).collect())
}

fn reply(place: usize) -> Reply {
    Reply { status: 201, location: Some(format!("/p/{place}")), body: format!("{{\"place\":{place}}}") }
}

fn new(free: bool) -> Known {
    Known { place: 0, free, fingerprint: None, status: None, location: None, body: None }
}

/// A key for which the request with this body was answered before.
fn answered(body: u8, free: bool) -> Known {
    let (shop, once) = (ShopId::parse(A_SHOP).unwrap(), once("any"));
    let Reply { status, location, body: text } = before();
    Known { status: Some(status), location, body: Some(text), ..begun(&once.asked(&shop, &body).unwrap(), free) }
}

fn before() -> Reply {
    Reply { status: 402, location: None, body: "{\"before\":true}".into() }
}

/// A key whose request is carried out in several transactions.
fn begun(asked: &Asked<'_>, free: bool) -> Known {
    Known { fingerprint: Some(asked.fingerprint().to_owned()), ..new(free) }
}

fn first(place: usize) -> Option<Outcome> {
    Some(Outcome::Answered { reply: reply(place), replayed: false })
}

fn again(reply: Reply) -> Option<Outcome> {
    Some(Outcome::Answered { reply, replayed: true })
}

#[test]
fn a_new_key_is_carried_out() {
    assert_eq!(tell(&[("a", 1)], |_, _| new(true)), (vec![0], vec![first(0)]));
}

#[test]
fn a_key_that_is_being_worked_on_is_in_use() {
    assert_eq!(tell(&[("a", 1)], |_, _| new(false)), (vec![], vec![Some(Outcome::KeyInUse)]));
}

#[test]
fn the_same_request_is_answered_again_whoever_holds_the_lock() {
    for free in [true, false] {
        assert_eq!(tell(&[("a", 1)], |_, _| answered(1, free)), (vec![], vec![again(before())]));
    }
}

#[test]
fn another_request_with_the_key_is_refused() {
    assert_eq!(tell(&[("a", 2)], |_, _| answered(1, true)), (vec![], vec![Some(Outcome::KeyReused)]));
}

#[test]
fn what_was_begun_goes_on_when_nobody_works_on_it() {
    assert_eq!(tell(&[("a", 1)], |_, asked| begun(asked, true)), (vec![0], vec![first(0)]));
    assert_eq!(tell(&[("a", 1)], |_, asked| begun(asked, false)), (vec![], vec![Some(Outcome::KeyInUse)]));
}

#[test]
fn of_two_requests_with_one_key_in_a_batch_the_second_comes_after_the_first() {
    let (carried_out, told) = tell(&[("a", 1), ("b", 1), ("a", 1), ("a", 2), ("b", 2)], |key, _| new(key == "a"));
    assert_eq!(carried_out, [0]);
    let in_use = Some(Outcome::KeyInUse);
    assert_eq!(told, [first(0), in_use.clone(), again(reply(0)), Some(Outcome::KeyReused), in_use]);
}

#[test]
fn a_request_that_was_answered_before_is_answered_again_also_after_another_with_its_key() {
    let (carried_out, told) = tell(&[("a", 2), ("a", 1), ("a", 2)], |_, _| answered(1, true));
    assert!(carried_out.is_empty());
    assert_eq!(told, [Some(Outcome::KeyReused), again(before()), Some(Outcome::KeyReused)]);
}

#[test]
fn what_was_not_looked_up_is_not_answered() {
    let (shop, once) = (ShopId::parse(A_SHOP).unwrap(), once("a"));
    let asked = [once.asked(&shop, &1).unwrap()];
    let turns = turns(&asked, &[0], vec![Known { place: 7, ..new(true) }]);
    assert_eq!(turns, [Turn::Unknown]);
    assert_eq!(turns[0].clone().told(0, &asked, &BTreeMap::new()), None);
}

/// What is told of one key, request by request: what a batch must tell too.
#[derive(Clone, Default)]
struct OneByOne {
    kept: Option<(u8, Reply)>,
}

impl OneByOne {
    fn ask(&mut self, place: usize, body: u8) -> Outcome {
        match &self.kept {
            Some((first, reply)) if *first == body => Outcome::Answered { reply: reply.clone(), replayed: true },
            Some(_) => Outcome::KeyReused,
            None => {
                self.kept = Some((body, reply(place)));
                Outcome::Answered { reply: reply(place), replayed: false }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_batch_is_told_what_its_requests_would_be_one_by_one(
        batch in prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), 0..3_u8), 1..12),
        before_a in prop::option::of(0..3_u8),
    ) {
        let know = |key: &str, _: &Asked<'_>| match before_a {
            Some(body) if key == "a" => answered(body, true),
            _ => new(true),
        };
        let mut keys: HashMap<&str, OneByOne> = HashMap::new();
        keys.insert("a", OneByOne { kept: before_a.map(|body| (body, before())) });
        let one_by_one: Vec<_> = batch
            .iter()
            .enumerate()
            .map(|(place, (key, body))| Some(keys.entry(*key).or_default().ask(place, *body)))
            .collect();
        let (_, told) = tell(&batch, know);
        prop_assert_eq!(told, one_by_one);
    }
}
