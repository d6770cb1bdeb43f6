//! `/core/v1/statement.csv`: the statement as a table, by RFC 4180.
//!
//! A part has at most [`MOST_ROWS`] rows and some [`MOST_BYTES`] bytes; where there is more, the `Link` header (RFC 8288) with
//! `rel="next"` is the address of the next part. Every part begins with the header row.

use std::collections::HashMap;

use csv::{Terminator, WriterBuilder};
use datamp_models::Currency;
use datamp_models::core::{Owner, TransferCode};
use datamp_sdk::openapi::{DescribeAnswer, Description};
use datamp_sdk::{IntoResponse, Problem, Query, Response, Timestamp, database};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Entry;
use super::api::entries;
use super::cursor::Cursor;
use super::store::{Texts, texts};
use crate::authentication::{Caller, scope};
use crate::page::Window;

/// The most rows of a part, the header not counted.
const MOST_ROWS: usize = 10_000;

/// A part ends after the row that passes this, well below what a response may have. A row has at most some 4 KiB.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// How many rows are written at a time.
const CHUNK: usize = 1000;

/// How many are read for that: one more than is written tells whether there is more.
const READ: i64 = 1001;

/// Where it is.
pub(super) const PATH: &str = "/core/v1/statement.csv";

/// RFC 7111.
const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// The columns. Amounts stand in whole minor units and as decimals of the currency; what goes out is positive too.
const COLUMNS: [&str; 13] = [
    "id",
    "created_at",
    "direction",
    "code",
    "currency",
    "amount_minor",
    "amount",
    "balance_after_minor",
    "balance_after",
    "reference",
    "description",
    "shop_reference",
    "minor_digits",
];

/// Which part of the statement is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvQuery {
    /// Only what moved in this currency.
    currency: Option<Currency>,
    /// Only what was moved for this; of `payment`, what the shop paid.
    code: Option<TransferCode>,
    /// Only what was moved at this time or later.
    created_after: Option<Timestamp>,
    /// Only what was moved before this time.
    created_before: Option<Timestamp>,
    /// Answer those that come after this one: from the `Link` of the part before.
    starting_after: Option<Cursor>,
}

/// The statement as a table.
pub struct Csv(Response);

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for Csv {
    fn describe(description: &mut Description<'_>) {
        description.answer_content(200, CONTENT_TYPE, json!({ "type": "string" }));
        description.answer_header(200, "Link", "Where the next part is, if there is one.", json!({ "type": "string" }));
    }
}

/// GET: the statement, newest first, in one currency or in all.
pub fn statement(caller: Caller<scope::Read>, Query(mut query): Query<CsvQuery>) -> Result<Csv, Problem> {
    let currencies = caller.currencies(query.currency);
    let owner = Owner::Shop(caller.shop);
    let mut part = Part::new()?;
    let next = loop {
        let after = query.starting_after.as_ref().map(|cursor| (cursor.created_at, cursor.id.as_str()));
        let window = Window::new(query.created_after, query.created_before, after);
        let mut chunk = entries(&owner, &currencies, &window, query.code, READ)?;
        let more = chunk.len() > CHUNK;
        chunk.truncate(CHUNK);
        let (written, full) = part.add(&chunk)?;
        let Some(last) = written.checked_sub(1).and_then(|place| chunk.get(place)) else { break None };
        query.starting_after = Some(last.cursor());
        match (more || written < chunk.len(), full) {
            (true, true) => break query.starting_after.take(),
            (true, false) => {}
            (false, _) => break None,
        }
    };
    let mut response = Response::new(200)
        .header("content-type", CONTENT_TYPE)
        .header("content-disposition", "attachment; filename=\"statement.csv\"")
        .header("cache-control", "no-store");
    if let Some(cursor) = next {
        response = response.header("link", format!("<{}>; rel=\"next\"", address(&query, &cursor)));
    }
    Ok(Csv(response.body(part.finish()?)))
}

/// Where the statement goes on. What stands in it needs no percent-encoding in a query (RFC 3986, section 3.4).
fn address(query: &CsvQuery, after: &Cursor) -> String {
    let currency = query.currency.map(|currency| format!("currency={currency}&"));
    let code = query.code.map(|code| format!("code={}&", code.as_str()));
    let from = query.created_after.map(|time| format!("created_after={time}&"));
    let before = query.created_before.map(|time| format!("created_before={time}&"));
    let parts: String = [currency, code, from, before].into_iter().flatten().collect();
    format!("{PATH}?{parts}starting_after={}", after.encode())
}

/// A part that is being written.
struct Part {
    writer: csv::Writer<Vec<u8>>,
    rows: usize,
    bytes: usize,
}

impl Part {
    fn new() -> Result<Self, Problem> {
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(COLUMNS).map_err(Problem::internal)?;
        Ok(Self { writer, rows: 0, bytes: 0 })
    }

    /// Writes as many of the entries as fit: their number, and whether the part is full.
    fn add(&mut self, entries: &[Entry]) -> Result<(usize, bool), Problem> {
        let references: Vec<&str> = entries.iter().map(|entry| entry.reference.as_str()).collect();
        let written = written_about(&references)?;
        for (place, entry) in entries.iter().enumerate() {
            if self.is_full() {
                return Ok((place, true));
            }
            let record = record(entry, written.get(&entry.reference));
            self.writer.write_record(&record).map_err(Problem::internal)?;
            self.rows += 1;
            self.bytes += record.iter().map(|field| field.len() + 1).sum::<usize>();
        }
        Ok((entries.len(), self.is_full()))
    }

    fn is_full(&self) -> bool {
        self.rows >= MOST_ROWS || self.bytes >= MOST_BYTES
    }

    fn finish(self) -> Result<Vec<u8>, Problem> {
        self.writer.into_inner().map_err(Problem::internal)
    }
}

fn written_about(references: &[&str]) -> Result<HashMap<String, Texts>, database::Error> {
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(texts(references)?.into_iter().map(|texts| (texts.id.clone(), texts)).collect())
}

fn record(entry: &Entry, written: Option<&Texts>) -> [String; COLUMNS.len()] {
    let digits = entry.currency.minor_digits();
    [
        entry.id.to_string(),
        entry.created_at.to_string(),
        entry.direction.as_str().to_owned(),
        entry.code.as_str().to_owned(),
        entry.currency.to_string(),
        entry.amount.to_string(),
        decimal(entry.amount, digits),
        entry.balance_after.to_string(),
        decimal(entry.balance_after, digits),
        harmless(&entry.reference),
        harmless(written.map_or("", |texts| &texts.description)),
        harmless(written.and_then(|texts| texts.reference.as_deref()).unwrap_or_default()),
        digits.to_string(),
    ]
}

/// Minor units as a decimal, with as many digits as the currency has: 1234 and 2 are `12.34`.
fn decimal(minor: i64, digits: u8) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = usize::from(digits);
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A text that a spreadsheet takes for a text and not for a formula: what could begin one has an apostrophe before it (OWASP, "CSV
/// Injection"). Full-width forms count too, which some spreadsheets read as the plain ones.
fn harmless(text: &str) -> String {
    let dangerous = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if dangerous { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_models::core::Direction;

    fn entry() -> Entry {
        Entry {
            id: "tr_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            direction: Direction::Outgoing,
            amount: 1234,
            currency: "RUB".parse().unwrap(),
            code: TransferCode::Payment,
            reference: "pay_1".to_owned(),
            balance_after: 5,
            created_at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn amounts_are_decimals_of_their_currency() {
        for (minor, digits, text) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (1234, 2, "12.34"),
            (-5, 2, "-0.05"),
            (1234, 0, "1234"),
            (0, 0, "0"),
            (1234, 3, "1.234"),
            (1, 3, "0.001"),
            (i64::MIN, 2, "-92233720368547758.08"),
            (i64::MAX, 3, "9223372036854775.807"),
        ] {
            assert_eq!(decimal(minor, digits), text);
        }
    }

    #[test]
    fn no_text_becomes_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "Ads", "1-1", " =1", "a=b", "'=1"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn fields_are_quoted_by_rfc_4180() {
        let texts = Texts {
            id: "pay_1".to_owned(),
            description: "Ads, \"bold\"; лавка".to_owned(),
            reference: Some("=cmd".to_owned()),
        };
        let mut part = Part::new().unwrap();
        part.writer.write_record(record(&entry(), Some(&texts))).unwrap();
        part.writer.write_record(record(&entry(), None)).unwrap();
        let text = String::from_utf8(part.finish().unwrap()).unwrap();
        assert_eq!(
            text,
            "id,created_at,direction,code,currency,amount_minor,amount,balance_after_minor,balance_after,reference,description,\
             shop_reference,minor_digits\r\n\
             tr_01h455vb4pex5vsknk084sn02q,1970-01-01T00:00:00Z,outgoing,payment,RUB,1234,12.34,5,0.05,pay_1,\
             \"Ads, \"\"bold\"\"; лавка\",'=cmd,2\r\n\
             tr_01h455vb4pex5vsknk084sn02q,1970-01-01T00:00:00Z,outgoing,payment,RUB,1234,12.34,5,0.05,pay_1,,,2\r\n"
        );
    }

    #[test]
    fn a_part_is_full_by_rows_or_by_bytes() {
        let mut part = Part::new().unwrap();
        assert!(!part.is_full());
        part.rows = MOST_ROWS;
        assert!(part.is_full());
        part.rows = 1;
        part.bytes = MOST_BYTES;
        assert!(part.is_full());
    }

    #[test]
    fn the_next_part_has_the_same_filters() {
        let query = CsvQuery {
            currency: Some("RUB".parse().unwrap()),
            code: Some(TransferCode::TopUp),
            created_after: Some(Timestamp::from_seconds(0)),
            created_before: None,
            starting_after: None,
        };
        let cursor = entry().cursor();
        assert_eq!(
            address(&query, &cursor),
            format!(
                "/core/v1/statement.csv?currency=RUB&code=top-up&created_after=1970-01-01T00:00:00Z&starting_after={}",
                cursor.encode()
            )
        );
    }
}
