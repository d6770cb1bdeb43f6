//! What rows become, and how they are refused.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Timestamp;
use crate::database::{JsonText, ToValue};

fn set(columns: &[&str], rows: Vec<Vec<Value>>) -> RowSet {
    RowSet { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows }
}

fn only<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    one(set(&["x"], vec![vec![value]]))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn refusal<T: DeserializeOwned>(set: RowSet) -> String {
    match one::<T>(set) {
        Err(Error::Row(words)) => words,
        _ => panic!("this is to be refused"),
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Shop {
    id: String,
    name: Option<String>,
    frozen: bool,
    created_at: Timestamp,
    status: Status,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Closed,
}

fn shop_row() -> RowSet {
    // The order is the statement's, not the struct's; a column that nobody asked for is left aside.
    set(
        &["created_at", "extra", "status", "frozen", "name", "id"],
        vec![vec![
            Value::Integer(1_500_000),
            Value::Real(0.5),
            text("closed"),
            Value::Integer(1),
            Value::Null,
            text("shop_1"),
        ]],
    )
}

#[test]
fn a_struct_is_filled_by_the_names_of_columns() {
    let shop: Shop = one(shop_row()).unwrap();
    assert_eq!(
        shop,
        Shop {
            id: "shop_1".into(),
            name: None,
            frozen: true,
            created_at: Timestamp::from_micros(1_500_000),
            status: Status::Closed,
        }
    );
}

#[test]
fn a_flattened_struct_too() {
    #[derive(Deserialize)]
    struct WithBalance {
        #[serde(flatten)]
        times: Times,
        balance: i64,
    }
    #[derive(Deserialize)]
    struct Times {
        created_at: Timestamp,
    }
    let columns = ["created_at", "balance"];
    let row: WithBalance = one(set(&columns, vec![vec![Value::Integer(7), Value::Integer(8)]])).unwrap();
    assert_eq!((row.times.created_at.as_micros(), row.balance), (7, 8));
}

#[test]
fn a_tuple_is_filled_by_position() {
    let rows =
        vec![vec![text("a"), Value::Integer(1), Value::Null], vec![text("b"), Value::Integer(2), Value::Real(0.5)]];
    let tuples: Vec<(String, u8, Option<f64>)> = all(set(&["n", "n", "n"], rows)).unwrap();
    assert_eq!(tuples, [("a".into(), 1, None), ("b".into(), 2, Some(0.5))]);
}

#[test]
fn one_column_is_a_value() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct ShopId(String);
    assert_eq!(only::<i64>(Value::Integer(5)), Ok(5));
    assert_eq!(only::<(i64,)>(Value::Integer(5)), Ok((5,)));
    assert_eq!(only::<f64>(Value::Integer(5)), Ok(5.0));
    assert_eq!(only::<String>(text("x")), Ok("x".into()));
    assert_eq!(only::<ShopId>(text("x")), Ok(ShopId("x".into())));
    assert_eq!(only::<Status>(text("active")), Ok(Status::Active));
    assert_eq!(only::<Option<i64>>(Value::Null), Ok(None));
    assert_eq!(only::<Option<i64>>(Value::Integer(1)), Ok(Some(1)));
    assert_eq!(only::<Vec<u8>>(Value::Blob(vec![1, 2])), Ok(vec![1, 2]));
    assert_eq!(only::<[u8; 2]>(Value::Blob(vec![1, 2])), Ok([1, 2]));
    assert_eq!(only::<bool>(Value::Boolean(true)), Ok(true));
    assert_eq!(only::<bool>(Value::Integer(0)), Ok(false));
    assert_eq!(only::<Timestamp>(Value::Integer(3)), Ok(Timestamp::from_micros(3)));
}

#[test]
fn one_row_is_one_row() {
    let rows = |count: i64| set(&["x"], (0..count).map(|n| vec![Value::Integer(n)]).collect());
    assert_eq!(one::<i64>(rows(1)), Ok(0));
    assert_eq!(one::<i64>(rows(0)), Err(Error::NoRow));
    assert_eq!(one::<i64>(rows(2)), Err(Error::TooManyRows));
    assert_eq!(optional::<i64>(rows(0)), Ok(None));
    assert_eq!(optional::<i64>(rows(1)), Ok(Some(0)));
    assert_eq!(optional::<i64>(rows(2)), Err(Error::TooManyRows));
    assert_eq!(all::<i64>(rows(3)), Ok(vec![0, 1, 2]));
}

#[test]
fn what_does_not_fit_is_refused_by_the_name_of_the_column() {
    let with = |column: usize, value: Value| {
        let mut set = shop_row();
        set.rows[0][column] = value;
        refusal::<Shop>(set)
    };
    assert_eq!(with(5, Value::Null), "the column id is null, expected a string");
    assert_eq!(with(3, Value::Integer(2)), "the column frozen is integer `2`, expected a boolean");
    assert_eq!(
        with(0, text("2026-01-01T00:00:00Z")),
        "the column created_at is string \"2026-01-01T00:00:00Z\", expected microseconds since the Unix epoch"
    );
    assert_eq!(
        with(0, Value::Integer(i64::MAX)),
        "the column created_at 9223372036854775807 is out of the range of times"
    );
    assert!(with(2, text("odd")).starts_with("the column status unknown variant `odd`"));
    assert_eq!(refusal::<Shop>(set(&["id"], vec![vec![text("a")]])), "the column frozen is missing");
}

#[test]
fn a_number_that_does_not_fit_its_type_is_refused() {
    let words = refusal::<u8>(set(&["n"], vec![vec![Value::Integer(256)]]));
    assert_eq!(words, "the column n invalid value: integer `256`, expected u8");
    let words = refusal::<(u32,)>(set(&["n"], vec![vec![Value::Integer(-1)]]));
    assert_eq!(words, "the column n invalid value: integer `-1`, expected u32");
}

#[test]
fn a_tuple_of_another_length_is_refused() {
    let row = || set(&["a", "b"], vec![vec![Value::Integer(1), Value::Integer(2)]]);
    assert_eq!(refusal::<(i64,)>(row()), "it has 2 columns, and a tuple of 1 was wanted");
    assert_eq!(refusal::<i64>(row()), "it has 2 columns, and one value was wanted");
}

#[test]
fn json_in_a_column_is_read_with_its_own_rules() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        data: JsonText<Data>,
        at: Timestamp,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Data {
        at: Timestamp,
    }
    let columns = ["data", "at"];
    let json = text(r#"{"at":"1970-01-01T00:00:01Z"}"#);
    let row: Row = one(set(&columns, vec![vec![json, Value::Integer(2)]])).unwrap();
    assert_eq!(row.data.0.at, Timestamp::from_seconds(1));
    assert_eq!(row.at, Timestamp::from_micros(2));
    let words = refusal::<Row>(set(&columns, vec![vec![text("{"), Value::Integer(2)]]));
    assert!(words.starts_with("the column data is no fitting JSON"), "{words}");
    assert_eq!(JsonText(vec![1, 2]).to_value(), text("[1,2]"));
}

#[test]
fn reading_a_row_leaves_no_trace() {
    assert!(only::<Timestamp>(text("x")).is_err());
    assert!(!in_row());
    assert!(serde_json::from_str::<Timestamp>(r#""1970-01-01T00:00:01Z""#).is_ok());
}

#[test]
fn any_row_becomes_json() {
    let value: serde_json::Value = one(set(&["a", "b"], vec![vec![Value::Boolean(true), Value::Null]])).unwrap();
    assert_eq!(value, serde_json::json!({"a": true, "b": null}));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Real),
        ".{0,8}".prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Blob),
    ]
}

proptest! {
    #[test]
    fn any_row_is_read_or_refused(values in proptest::collection::vec(any_value(), 0..6)) {
        let columns = ["id", "name", "frozen", "created_at", "status", "extra"];
        let row = || set(&columns[..values.len()], vec![values.clone()]);
        let _ = (one::<Shop>(row()), one::<(i64, String)>(row()), one::<Option<bool>>(row()));
        prop_assert!(!in_row());
    }

    #[test]
    fn a_parameter_comes_back_from_a_row(number: i64, words in "\\PC{0,20}", bytes: Vec<u8>, flag: Option<bool>) {
        let values = crate::params![number, words, bytes, flag].to_vec();
        let back: (i64, String, Vec<u8>, Option<bool>) = one(set(&["a", "b", "c", "d"], vec![values])).unwrap();
        prop_assert_eq!(back, (number, words, bytes, flag));
    }
}
