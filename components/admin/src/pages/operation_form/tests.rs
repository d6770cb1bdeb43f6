use super::*;
use crate::contract::Transfer;
use crate::pages::frame::tests::of;
use crate::roles::Role;

const SHOP: &str = "shop_01h455vb4pex5vsknk084sn02q";
const TRANSFER: &str = "tr_01h455vb4pex5vsknk084sn02q";

fn subject(kind: Kind) -> Subject {
    let transfer = Transfer {
        id: TRANSFER.to_owned(),
        shop: SHOP.to_owned(),
        direction: Direction::Outgoing,
        amount: 50_000,
        currency: "RUB".to_owned(),
        code: "payment".to_owned(),
        reference: "pay_1".to_owned(),
        created_at: "2026-11-23T16:09:05Z".to_owned(),
    };
    Subject {
        kind,
        target: format!("/admin/{}", kind_name(kind)),
        shop: Shop {
            id: SHOP.to_owned(),
            name: "Lamp & <b>Shade</b>".to_owned(),
            status: ShopStatus::Active,
            created_at: "2026-11-23T16:09:05Z".to_owned(),
        },
        balances: vec![
            Balance { currency: "RUB".to_owned(), posted: 100_000, available: 90_000 },
            Balance { currency: "JPY".to_owned(), posted: 0, available: 0 },
        ],
        reversible: (kind == Kind::Reverse).then_some(Reversible { transfer, left: 30_000 }),
    }
}

fn given(amount: &str, reason: &str) -> Given {
    Given {
        operation: "op_01h455vb4pex5vsknk084sn02q".to_owned(),
        direction: "outgoing".to_owned(),
        currency: "RUB".to_owned(),
        amount: amount.to_owned(),
        reason: reason.to_owned(),
    }
}

const ALL: [Kind; 6] = [Kind::Adjust, Kind::WriteOff, Kind::Freeze, Kind::Unfreeze, Kind::Close, Kind::Reverse];

fn html(kind: Kind, wrong: Wrong) -> String {
    let Subject { kind, target, shop, balances, reversible } = subject(kind);
    let f = of(Role::Manager, Language::English);
    FormPage { f, kind, target, shop, balances, reversible, given: given("\"><i>", "<b>"), wrong }.render().unwrap()
}

#[test]
fn every_form_asks_for_a_reason_and_carries_its_operation() {
    for kind in ALL {
        let html = html(kind, Wrong::default());
        assert!(html.contains("name=\"reason\"") && html.contains("value=\"op_01h455vb4pex5vsknk084sn02q\""), "{html}");
        assert!(html.contains("name=\"csrf\"") && html.contains(&format!("action=\"/admin/{}\"", kind_name(kind))));
        assert_eq!(html.contains("name=\"amount\""), kind.moves_money(), "{kind:?}");
        assert_eq!(html.contains("name=\"direction\""), kind == Kind::Adjust, "{kind:?}");
        assert!(!html.contains("<b>Shade") && !html.contains("\"><i>") && !html.contains("<b></textarea>"), "{html}");
    }
}

#[test]
fn what_is_wrong_is_told_at_its_field() {
    let html = html(Kind::Adjust, Wrong { amount: true, reason: true });
    assert_eq!(html.matches("aria-invalid=\"true\"").count(), 2, "{html}");
    for key in ["operation.amount-wrong", "operation.reason-wrong"] {
        assert!(html.contains(Language::English.text(key)), "{key}");
    }
}

#[test]
fn a_form_is_read_as_what_it_asks_for() {
    let read = |kind, amount| subject(kind).read(&given(amount, " a good\r\nreason ")).unwrap();
    let adjusted = read(Kind::Adjust, "12,50");
    assert_eq!(adjusted.reason, "a good reason");
    let expected =
        Adjustment { shop: SHOP.to_owned(), direction: Direction::Outgoing, amount: 1250, currency: "RUB".to_owned() };
    assert_eq!(adjusted.action, Action::Adjustment(expected));
    let reversal = Reversal { transfer: TRANSFER.to_owned(), amount: 30_000 };
    assert_eq!(read(Kind::Reverse, "300").action, Action::Reversal(reversal));
    assert_eq!(read(Kind::Close, "").action, Action::Close(SHOP.to_owned()));
}

#[test]
fn what_can_not_be_done_is_not_asked_for() {
    let wrong = |kind, given| subject(kind).read(&given).unwrap_err();
    let (amount, reason) = (Wrong { amount: true, reason: false }, Wrong { amount: false, reason: true });
    let good = "a good reason";
    assert_eq!(wrong(Kind::Adjust, given("0", good)), amount);
    assert_eq!(wrong(Kind::WriteOff, given("-1", good)), amount);
    assert_eq!(wrong(Kind::Reverse, given("300.01", good)), amount, "more than is left");
    assert_eq!(
        wrong(Kind::Adjust, Given { currency: "USD".to_owned(), ..given("1", good) }),
        amount,
        "no such account"
    );
    assert_eq!(wrong(Kind::Adjust, given("1", "too short")), reason);
    assert_eq!(wrong(Kind::Freeze, given("", "")), reason);
    assert_eq!(wrong(Kind::Adjust, given("", "")), Wrong { amount: true, reason: true });
}

#[test]
fn the_audit_says_what_was_asked_for() {
    let read = |kind| {
        let subject = subject(kind);
        told(&subject, &subject.read(&given("12.5", "a good reason")).unwrap().action)
    };
    let adjusted = read(Kind::Adjust);
    assert_eq!(adjusted, values([("operation", "debit"), ("shop", SHOP), ("amount", "12.50\u{a0}RUB")]));
    assert_eq!(read(Kind::Reverse).get("transfer").map(String::as_str), Some(TRANSFER));
    assert_eq!(read(Kind::Freeze), values([("operation", "freeze"), ("shop", SHOP)]));
}

#[test]
fn only_what_belongs_to_a_shop_is_asked_for_from_its_page() {
    assert!(
        ALL.into_iter().filter(|kind| *kind != Kind::Reverse).all(|kind| Kind::of_shop(kind_name(kind)) == Some(kind))
    );
    assert_eq!(Kind::of_shop("reverse"), None);
    assert_eq!(Kind::of_shop(""), None);
}

#[test]
fn a_form_that_is_sent_again_is_told_from_one_that_was_changed() {
    use crate::contract::system_operations::OperationStatus;
    let there =
        Operation { reason: "a good reason".to_owned(), ..operations::tests::operation(OperationStatus::Executed) };
    let sent = given("1500", " a good  reason");
    assert!(is_same(&there, &sent));
    for other in [
        given("1500.01", "a good reason"),
        given("1500", "another good reason"),
        Given { direction: "incoming".to_owned(), ..sent.clone() },
        Given { currency: "USD".to_owned(), ..sent.clone() },
    ] {
        assert!(!is_same(&there, &other), "{other:?}");
    }
    let frozen = Operation { action: Action::Freeze(SHOP.to_owned()), currency: None, ..there };
    assert!(is_same(&frozen, &given("", "a good reason")));
}
