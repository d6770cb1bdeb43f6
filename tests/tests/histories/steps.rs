//! Random histories: what is asked of the ledger, by numbers, so that owners, transfers and keys meet again and again.

use std::{collections::BTreeMap, ops::Range};

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

/// The platform's own accounts come first among the owners, then [`SHOPS`] shops, then one that there is not.
pub(super) const SYSTEM: [&str; 2] = ["provider/sandbox", "revenue/advertising"];
/// The currency of each shop's account.
pub(super) const SHOPS: [&str; 4] = ["RUB", "RUB", "RUB", "USD"];
/// Of owners, the one without an account.
pub(super) const STRANGER: usize = SYSTEM.len() + SHOPS.len();
pub(super) const CURRENCIES: [&str; 2] = ["RUB", "USD"];

/// How many names for transfers a history has. Most postings take one of their own kind's, so that what resolves or corrects
/// another finds one that it can.
pub(super) const NAMES: usize = 48;
const HOLDS: Range<usize> = 0..10;
const RESOLVED: Range<usize> = 10..26;
const TRANSFERS: Range<usize> = 26..36;
const REVERSALS: Range<usize> = 36..48;

/// How many idempotency keys for payments a shop has.
const KEYS: usize = 10;

/// What is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    pub(super) debit: usize,
    pub(super) credit: usize,
    pub(super) currency: &'static str,
    pub(super) amount: i64,
    pub(super) code: &'static str,
    pub(super) reference: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Transfer(Movement),
    /// Whether it ends, so late that it does not within the test.
    Hold(Movement, Option<Ends>),
    Capture(usize, Option<i64>),
    Void(usize),
    Expire(usize),
    Reversal(usize, Movement),
}

/// When a hold lapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    LongAgo,
    /// Soon after it was made, which is waited for.
    AtOnce,
    InAges,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) id: usize,
    pub(super) action: Action,
}

/// Postings that succeed or fail together.
pub(super) type Chain = Vec<Posting>;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A list of chains, by the contract.
    Post(Vec<Chain>),
    /// What an earlier step asked for, once more: the one before so many others.
    Again(usize),
    /// A payment of a shop by the HTTP API.
    Pay { shop: usize, key: usize, amount: i64 },
    /// A hold that lapses at once, and what becomes of it.
    Lapse { shop: usize, amount: i64 },
}

/// A history of so many steps, after money has come in for every shop.
pub(super) fn histories(steps: Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let first: Vec<_> =
        (2..2 + SHOPS.len()).map(|shop| (500..5_000_i64).prop_map(move |amount| came(shop, amount, 20))).collect();
    (first, prop::collection::vec(step(), steps)).prop_map(|(first, steps)| {
        let chain = |(movement, id): (Movement, usize)| vec![Posting { id, action: Action::Transfer(movement) }];
        let mut history = vec![Step::Post(first.into_iter().zip(TRANSFERS).map(chain).collect())];
        history.extend(steps);
        repeat_a_part(&mut history);
        turn_back(&mut history);
        history
    })
}

/// Lets some chains begin with a posting that was made before, alone.
fn repeat_a_part(history: &mut [Step]) {
    let Some((Step::Post(first), steps)) = history.split_first_mut() else { return };
    let chains = steps.iter_mut().filter_map(|step| if let Step::Post(chains) = step { Some(chains) } else { None });
    for chain in chains.flatten().filter(|chain| chain.len() > 1) {
        if let Some(made) = first.get(chain[0].id % (2 * SHOPS.len())) {
            chain[0] = made[0].clone();
        }
    }
}

/// Lets most corrections go back between the accounts of what they correct.
fn turn_back(history: &mut [Step]) {
    let mut named: BTreeMap<usize, Movement> = BTreeMap::new();
    let chains = history.iter_mut().filter_map(|step| if let Step::Post(chains) = step { Some(chains) } else { None });
    for posting in chains.flatten().flatten() {
        let movement = match &mut posting.action {
            Action::Transfer(movement) | Action::Hold(movement, _) => Some(movement.clone()),
            Action::Capture(hold, _) => named.get(hold).cloned(),
            Action::Reversal(of, movement) => {
                if let Some(corrected) = named.get(of)
                    && movement.amount % 8 != 0
                {
                    (movement.debit, movement.credit) = (corrected.credit, corrected.debit);
                    movement.currency = corrected.currency;
                }
                Some(movement.clone())
            }
            Action::Void(_) | Action::Expire(_) => None,
        };
        if let Some(movement) = movement {
            named.insert(posting.id, movement);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let shop = 2..2 + SHOPS.len();
    prop_oneof![
        10 => prop::collection::vec(chain(), 1..6).prop_map(Step::Post),
        4 => (0..8_usize).prop_map(Step::Again),
        6 => (shop.clone(), 0..KEYS, amount()).prop_map(|(shop, key, amount)| Step::Pay { shop, key, amount }),
        1 => (shop, 1..50_i64).prop_map(|(shop, amount)| Step::Lapse { shop, amount }),
    ]
}

fn chain() -> impl Strategy<Value = Chain> {
    prop_oneof![4 => prop::collection::vec(posting(), 1), 1 => prop::collection::vec(posting(), 2..5)]
}

/// Mostly one of these names, and now and then any.
fn one_of(names: Range<usize>) -> impl Strategy<Value = usize> {
    prop_oneof![9 => names, 1 => 0..NAMES]
}

fn posting() -> impl Strategy<Value = Posting> {
    let transfer = prop_oneof![coming(), movement()].prop_map(Action::Transfer);
    let ends = select(vec![None, None, None, None, Some(Ends::InAges), Some(Ends::InAges), Some(Ends::LongAgo)]);
    let hold = (spending(), ends).prop_map(|(movement, ends)| Action::Hold(movement, ends));
    let resolve = (one_of(HOLDS), prop::option::of(1..80_i64), 0..12_usize).prop_map(|(hold, part, what)| match what {
        0..3 => Action::Void(hold),
        3 => Action::Expire(hold),
        _ => Action::Capture(hold, part),
    });
    let funds = TRANSFERS.start..TRANSFERS.start + SHOPS.len();
    let corrected = prop_oneof![2 => funds, 3 => one_of(RESOLVED.start..REVERSALS.end)];
    let reversal = (corrected, movement()).prop_map(|(of, movement)| Action::Reversal(of, movement));
    prop_oneof![
        3 => (one_of(TRANSFERS), transfer).prop_map(|(id, action)| Posting { id, action }),
        5 => (one_of(HOLDS), hold).prop_map(|(id, action)| Posting { id, action }),
        6 => (one_of(RESOLVED), resolve).prop_map(|(id, action)| Posting { id, action }),
        4 => (one_of(REVERSALS), reversal).prop_map(|(id, action)| Posting { id, action }),
    ]
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 1..100_i64, 1 => 100_000..1_000_000_i64]
}

/// Money that comes in for a shop. Now and then it is for a top-up, of which each counts once.
fn coming() -> impl Strategy<Value = Movement> {
    (2..2 + SHOPS.len(), 1..2_000_i64, 0..6_usize).prop_map(|(shop, amount, top_up)| came(shop, amount, top_up))
}

fn came(shop: usize, amount: i64, top_up: usize) -> Movement {
    Movement {
        debit: 0,
        credit: shop,
        currency: SHOPS[shop - 2],
        amount,
        code: if top_up < 4 { "top-up" } else { "reversal" },
        reference: format!("top-up {top_up}"),
    }
}

fn spending() -> impl Strategy<Value = Movement> {
    (2..2 + SHOPS.len(), amount()).prop_map(|(debit, amount)| spent(debit, amount))
}

/// What a shop spends, in the currency of its account.
pub(super) fn spent(shop: usize, amount: i64) -> Movement {
    Movement {
        debit: shop,
        credit: 1,
        currency: SHOPS[shop - 2],
        amount,
        code: "payment",
        reference: "a bid".to_owned(),
    }
}

/// Anything between anybody: most are possible, some are not.
fn movement() -> impl Strategy<Value = Movement> {
    let amount = prop_oneof![20 => amount(), 1 => Just(0)];
    (0..=STRANGER, 0..=STRANGER, 0..12_usize, amount, select(vec!["a bid", "another"])).prop_map(
        |(debit, credit, other, amount, reference)| Movement {
            currency: match (other, SHOPS.get(debit.wrapping_sub(2)).or(SHOPS.get(credit.wrapping_sub(2)))) {
                (1.., Some(currency)) => currency,
                (1.., None) => "RUB",
                (0, _) => "USD",
            },
            debit,
            credit,
            amount,
            code: "refund",
            reference: reference.to_owned(),
        },
    )
}

/// What turns numbers into names, for one history.
#[derive(Clone)]
pub(super) struct Names {
    /// Tells the ids of histories apart.
    pub(super) history: usize,
    /// The ids of the shops.
    pub(super) shops: Vec<String>,
    /// When a hold that lapses at once does, in RFC 3339.
    pub(super) soon: String,
}

impl Names {
    /// The id of a transfer.
    pub(super) fn transfer(&self, id: usize) -> String {
        format!("tr_{:013}{id:013}", self.history + 1)
    }

    /// An owner, as the contract's JSON has it.
    pub(super) fn owner(&self, owner: usize) -> Value {
        match owner {
            0 | 1 => json!({"System": SYSTEM[owner]}),
            STRANGER => json!({"Shop": "shop_01h455vb4pex5vsknk084sn02q"}),
            shop => json!({"Shop": self.shops[shop - 2]}),
        }
    }

    /// A list of chains, as the contract's JSON has it.
    pub(super) fn chains(&self, chains: &[Chain]) -> Value {
        let chain = |chain: &Chain| Value::from_iter(chain.iter().map(|posting| self.posting(posting)));
        Value::from_iter(chains.iter().map(chain))
    }

    fn posting(&self, posting: &Posting) -> Value {
        let action = match &posting.action {
            Action::Transfer(movement) => json!({"Transfer": self.movement(movement)}),
            Action::Hold(movement, ends) => {
                let time = |ends| match ends {
                    Ends::LongAgo => "2020-01-01T00:00:00Z",
                    Ends::AtOnce => &self.soon,
                    Ends::InAges => "2120-01-01T00:00:00Z",
                };
                json!({"Hold": {"movement": self.movement(movement), "expires_at": ends.map(time)}})
            }
            Action::Capture(hold, amount) => json!({"Capture": {"hold": self.transfer(*hold), "amount": amount}}),
            Action::Void(hold) => json!({"Void": self.transfer(*hold)}),
            Action::Expire(hold) => json!({"Expire": self.transfer(*hold)}),
            Action::Reversal(of, movement) => {
                json!({"Reversal": {"transfer": self.transfer(*of), "movement": self.movement(movement)}})
            }
        };
        json!({"id": self.transfer(posting.id), "action": action})
    }

    fn movement(&self, movement: &Movement) -> Value {
        json!({
            "debit": self.owner(movement.debit),
            "credit": self.owner(movement.credit),
            "currency": movement.currency,
            "amount": movement.amount,
            "code": movement.code,
            "reference": self.reference(&movement.reference),
        })
    }

    /// Of one top-up there is one transfer in the whole database.
    fn reference(&self, reference: &str) -> String {
        format!("{reference} of {}", self.history)
    }
}
