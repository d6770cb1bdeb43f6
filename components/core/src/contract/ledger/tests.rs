use super::*;

const SHOP: &str = "shop_01h455vb4pex5vsknk084sn02q";
const ID: &str = "tr_01h455vb4pex5vsknk084sn02q";

fn movement() -> wit::Movement {
    wit::Movement {
        debit: wit::Owner::Shop(SHOP.to_owned()),
        credit: wit::Owner::System("revenue/advertising".to_owned()),
        currency: "RUB".to_owned(),
        amount: 150,
        code: "payment".to_owned(),
        reference: "bid_1".to_owned(),
    }
}

fn posting(action: wit::Action) -> wit::Posting {
    wit::Posting { id: ID.to_owned(), action }
}

#[test]
fn every_refusal_has_the_name_that_the_ledger_has_and_stands_in_its_order() {
    let told: Vec<_> = Refusal::ALL.iter().filter_map(|case| Some((case, refusal(*case)?))).collect();
    // All but the two of chains that are told by their list.
    assert_eq!(told.len(), Refusal::ALL.len() - 2);
    for (place, (ours, theirs)) in told.iter().enumerate() {
        let spelled: String = format!("{theirs:?}").rsplit("::").next().unwrap().to_owned();
        let name: String = spelled
            .chars()
            .flat_map(|c| if c.is_uppercase() { vec!['-', c.to_ascii_lowercase()] } else { vec![c] })
            .collect();
        assert_eq!(name.trim_start_matches('-').trim_start_matches("refusal.-"), ours.as_str());
        assert_eq!(*theirs as usize, place, "{ours}");
    }
}

#[test]
fn what_can_not_be_taken_is_told_by_its_place_and_its_field() {
    let with = |change: fn(&mut wit::Movement)| {
        let mut movement = movement();
        change(&mut movement);
        posting(wit::Action::Transfer(movement))
    };
    let hold = |expires_at: &str| {
        posting(wit::Action::Hold(wit::Hold { movement: movement(), expires_at: Some(expires_at.to_owned()) }))
    };
    let capture = |hold: &str, amount| posting(wit::Action::Capture(wit::Capture { hold: hold.to_owned(), amount }));
    let reversal = wit::Reversal { transfer: "tr_".to_owned(), movement: movement() };
    for (bad, field) in [
        (wit::Posting { id: "tr_1".to_owned(), ..with(|_| ()) }, "id"),
        (wit::Posting { id: ID.to_uppercase(), ..with(|_| ()) }, "id"),
        (with(|m| m.debit = wit::Owner::Shop(ID.to_owned())), "debit"),
        (with(|m| m.credit = wit::Owner::System("revenue/other".to_owned())), "credit"),
        (with(|m| m.credit = wit::Owner::System("advertising".to_owned())), "credit"),
        (with(|m| m.credit = wit::Owner::System(String::new())), "credit"),
        (with(|m| m.currency = "rub".to_owned()), "currency"),
        (with(|m| m.amount = 0), "amount"),
        (with(|m| m.amount = -1), "amount"),
        (with(|m| m.amount = 1_000_000_000_000_001), "amount"),
        (with(|m| m.amount = i64::MIN), "amount"),
        (with(|m| m.code = "gift".to_owned()), "code"),
        (with(|m| m.code = "adjustment".to_owned()), "code"),
        (with(|m| m.code = "write-off".to_owned()), "code"),
        (with(|m| m.code = "Payment".to_owned()), "code"),
        (with(|m| m.reference = " ".to_owned()), "reference"),
        (with(|m| m.reference = "a\0b".to_owned()), "reference"),
        (with(|m| m.reference = "a".repeat(201)), "reference"),
        (hold("tomorrow"), "expires-at"),
        (hold("2026-02-30T00:00:00Z"), "expires-at"),
        (capture("hold", None), "hold"),
        (capture(ID, Some(0)), "amount"),
        (posting(wit::Action::Void("pay_01h455vb4pex5vsknk084sn02q".to_owned())), "void"),
        (posting(wit::Action::Expire(String::new())), "expire"),
        (posting(wit::Action::Reversal(reversal)), "transfer"),
    ] {
        match chain(vec![with(|_| ()), bad]) {
            Err(wit::Failure::Invalid(invalid)) => {
                assert_eq!((invalid.posting, invalid.field.as_str()), (1, field), "{invalid:?}");
                assert!(!invalid.must.is_empty());
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn postings_are_read_as_the_ledger_has_them() {
    let id: TransferId = ID.parse().unwrap();
    let shop = Owner::Shop(SHOP.parse().unwrap());
    let amount = Amount::new(150).unwrap();
    let moved =
        Movement::between(&shop, &Owner::ADVERTISING, amount, "RUB".parse().unwrap(), TransferCode::Payment, "bid_1");
    let hold = wit::Hold { movement: movement(), expires_at: Some("2026-11-24T12:00:00+03:00".to_owned()) };
    let capture = wit::Capture { hold: ID.to_owned(), amount: Some(150) };
    let reversal = wit::Reversal { transfer: ID.to_owned(), movement: movement() };
    for (action, read) in [
        (wit::Action::Transfer(movement()), Posting::of(moved.clone())),
        (
            wit::Action::Hold(hold),
            Posting::hold(moved.clone(), Some(Timestamp::parse("2026-11-24T09:00:00Z").unwrap())),
        ),
        (wit::Action::Capture(capture), Posting::capture(id.clone(), Some(amount))),
        (wit::Action::Void(ID.to_owned()), Posting::void(id.clone())),
        (wit::Action::Expire(ID.to_owned()), Posting::expiry(id.clone())),
        (wit::Action::Reversal(reversal), Posting::reversal(id.clone(), moved)),
    ] {
        assert_eq!(chain(vec![posting(action)]), Ok(vec![read.with_id(id.clone())]));
    }
}

#[test]
fn what_is_too_much_is_refused_before_the_ledger_is_asked() {
    let one = || posting(wit::Action::Transfer(movement()));
    let out_of_bounds = |answer: &Result<Vec<wit::Posted>, wit::Failure>| matches!(answer, Err(wit::Failure::OutOfBounds(words)) if words.contains("1000"));
    // Natively there is no database: it would be a panic to ask it.
    let answers = <Core as wit::Guest>::post((0..=MAX).map(|_| vec![one()]).collect());
    assert_eq!(answers.len(), MAX + 1);
    assert!(answers.iter().all(out_of_bounds));
    let answers = <Core as wit::Guest>::post(vec![Vec::new(), (0..=MAX).map(|_| one()).collect()]);
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(out_of_bounds));
    assert_eq!(<Core as wit::Guest>::post(Vec::new()), []);

    let answers = <Core as wit::Guest>::get(vec![ID.to_owned(); MAX + 1]);
    assert!(answers.len() == MAX + 1 && answers.iter().all(|a| matches!(a, Err(wit::ReadFailure::OutOfBounds(_)))));
}

#[test]
fn reads_are_answered_in_their_places() {
    let parse = |text: &str| text.parse::<i32>().map_err(|error| invalid("n", error));
    let halves = |numbers: &[i32]| Ok(numbers.iter().map(|n| (n % 2 == 0).then_some(n / 2)).collect());
    let answers = each(vec!["a", "4", "3", "8"], parse, halves, |asked, half| (*asked, half));
    assert!(matches!(&answers[0], Err(wit::ReadFailure::Invalid((field, _))) if field == "n"));
    assert_eq!(answers[1..], [Ok((4, 2)), Err(wit::ReadFailure::NotFound), Ok((8, 4))]);
}
