use super::super::book::Book;
use super::super::book::tests::{account, at, ids, movement, shop};
use super::super::posting::Posting;
use super::*;
use datamp_models::core::Owner;
use proptest::prelude::*;

fn record() -> Record<'static> {
    Record {
        id: "tr_1".into(),
        kind: "posted".into(),
        debit_account_id: "acc_1".into(),
        credit_account_id: "acc_2".into(),
        amount: 30,
        currency: "RUB".into(),
        code: "payment".into(),
        reference: "pay_1".into(),
        pending_id: None,
        reversal_of: Some("tr_0".into()),
        expires_at: None,
        debit_balance: 70,
        debit_debits_pending: Some(0),
        debit_credits_pending: Some(1),
        debit_hash: None,
        credit_balance: 30,
        credit_debits_pending: Some(2),
        credit_credits_pending: None,
        credit_hash: None,
        created_at: 1_769_860_800_500_000,
    }
}

/// Changing how they are made would make every chain that there is look broken.
#[test]
fn hashes_stay_what_they_were() {
    let totals = Totals { debits_posted: 30, credits_posted: 100, debits_pending: 0, credits_pending: 1 };
    let first = link(None, "acc_1", &totals, &canonical(&record()));
    assert_eq!(first.to_string(), "388503183f332be6bb48a0fedcc26f11b8a3209a01fe202a835782f0fec1dff6");
    let second = link(Some(&first), "acc_1", &totals, &canonical(&record()));
    assert_eq!(second.to_string(), "c0cd1d678479d4919f82c209740640097883077268268f8b6778c2ce50cc8b7c");
}

#[test]
fn no_two_rows_have_the_same_bytes() {
    let (base, none) = (record(), || None);
    let some = |text: &'static str| Some(text.into());
    let others = [
        Record { id: "tr_2".into(), ..base.clone() },
        Record { id: "tr_".into(), kind: "1posted".into(), ..base.clone() },
        Record { debit_account_id: "acc_2".into(), credit_account_id: "acc_1".into(), ..base.clone() },
        Record { code: "paymentp".into(), reference: "ay_1".into(), ..base.clone() },
        Record { amount: 70, debit_balance: 30, ..base.clone() },
        Record { pending_id: some("tr_0"), reversal_of: none(), ..base.clone() },
        Record { pending_id: some(""), ..base.clone() },
        Record { expires_at: Some(0), ..base.clone() },
        Record { debit_credits_pending: None, ..base.clone() },
        Record { credit_credits_pending: Some(0), ..base.clone() },
        Record { created_at: 0, ..base.clone() },
    ];
    for (place, other) in others.iter().enumerate() {
        assert_ne!(canonical(&base), canonical(other), "{place}");
        for before in &others[..place] {
            assert_ne!(canonical(before), canonical(other));
        }
    }
    let hashed = Record { debit_hash: some("a"), credit_hash: some("b"), ..base.clone() };
    assert_eq!(canonical(&base), canonical(&hashed));
}

#[test]
fn a_hash_has_one_text() {
    let text = "00ff".repeat(16);
    assert_eq!(Hash::parse(&text).unwrap().to_string(), text);
    for wrong in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), "g".repeat(64), String::new()] {
        assert_eq!(Hash::parse(&wrong), None, "{wrong}");
    }
}

#[test]
fn each_account_has_a_chain_of_its_own() {
    let owners = [Owner::SANDBOX, shop(1), shop(2)];
    let mut book = Book::new(owners.iter().map(account), []);
    let give = |to: &Owner| Posting::of(movement(&Owner::SANDBOX, to, 10));
    let answers = book.post_all(&[give(&shop(1)), give(&shop(2))], at(1_000), ids());
    let after = |place: usize| answers[place].as_ref().unwrap().transfer().clone();
    let heads: Vec<_> = owners
        .iter()
        .map(|owner| book.changed().find(|changed| changed.id == account(owner).id).unwrap().chain_head.unwrap())
        .collect();
    assert_eq!(Some(heads[0]), after(1).debit_after.hash);
    assert_eq!(Some(heads[1]), after(0).credit_after.hash);
    assert_eq!(Some(heads[2]), after(1).credit_after.hash);
    assert!(heads[0] != heads[2] && after(0).debit_after.hash != after(0).credit_after.hash);
}

proptest! {
    /// A hash depends on everything before it.
    #[test]
    fn a_link_is_of_its_head_its_account_and_the_totals(head: [u8; 32], totals: [i64; 4], account in ".{0,8}") {
        let of = |totals: [i64; 4]| Totals {
            debits_posted: totals[0],
            credits_posted: totals[1],
            debits_pending: totals[2],
            credits_pending: totals[3],
        };
        let base = link(Some(&Hash(head)), &account, &of(totals), b"transfer");
        prop_assert_eq!(base, link(Some(&Hash(head)), &account, &of(totals), b"transfer"));
        let mut other_head = head;
        other_head[31] ^= 1;
        prop_assert_ne!(base, link(Some(&Hash(other_head)), &account, &of(totals), b"transfer"));
        prop_assert_ne!(base, link(Some(&Hash(head)), &format!("{account}t"), &of(totals), b"ransfer"));
        for place in 0..4 {
            let mut other = totals;
            other[place] ^= 1;
            prop_assert_ne!(base, link(Some(&Hash(head)), &account, &of(other), b"transfer"));
        }
    }
}
