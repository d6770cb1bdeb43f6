//! Values to and from PostgreSQL, in its binary format.

use std::sync::Arc;

use sqlx::{
    Arguments as _, Column as _, Encode, Postgres, Row as _, Type, ValueRef as _,
    encode::IsNull,
    postgres::{PgArgumentBuffer, PgArguments, PgColumn, PgRow, PgTypeInfo, PgValueRef, types::Oid},
};

use crate::capabilities::database::sql::{Error, Value};

/// The parameters of a statement, and the statement under a name of its own for their types.
///
/// sqlx keeps one prepared statement for each text, whatever types its parameters had the first time. The types are part of
/// a prepared statement though: a text read as an integer is another integer, not an error. So the types are made part of the
/// text, as a comment: `SELECT $1` with an integer is prepared as `SELECT $1⏎--i`.
///
/// # Errors
/// `invalid-statement` for a value that can't be encoded.
pub(super) fn arguments(statement: Arc<str>, parameters: Vec<Value>) -> Result<(Arc<str>, PgArguments), Error> {
    let mut arguments = PgArguments::default();
    if parameters.is_empty() {
        return Ok((statement, arguments));
    }
    arguments.reserve(parameters.len(), parameters.len() * 16);
    let mut typed = String::with_capacity(statement.len() + 3 + parameters.len());
    typed.push_str(&statement);
    typed.push_str("\n--");
    for (index, value) in parameters.into_iter().enumerate() {
        let (added, letter) = match value {
            Value::Null => (arguments.add(Untyped), 'n'),
            Value::Boolean(value) => (arguments.add(value), 'b'),
            Value::Integer(value) => (arguments.add(value), 'i'),
            Value::Real(value) => (arguments.add(value), 'r'),
            Value::Text(value) => (arguments.add(value), 't'),
            Value::Blob(value) => (arguments.add(value), 'y'),
            Value::Integers(values) => (arguments.add(values), 'I'),
            Value::Texts(values) => (arguments.add(values), 'T'),
        };
        added.map_err(|error| Error::InvalidStatement(format!("parameter ${}: {error}", index + 1)))?;
        typed.push(letter);
    }
    Ok((typed.into(), arguments))
}

/// A NULL whose type the server infers.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        // "Placing a zero here is equivalent to leaving the type unspecified": the message Parse of the protocol.
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, sqlx::error::BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// How a column's values are read.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    /// One byte, then text.
    Jsonb,
    Uuid,
    Bytes,
}

/// How the columns of an answer are read.
///
/// # Errors
/// `unsupported-type`, naming the column and the type.
pub(super) fn kinds(columns: &[PgColumn]) -> Result<Vec<Kind>, Error> {
    columns.iter().map(kind).collect()
}

fn kind(column: &PgColumn) -> Result<Kind, Error> {
    // The OIDs of built-in types never change: src/include/catalog/pg_type.dat.
    Ok(match column.type_info().oid().map(|oid| oid.0) {
        Some(16) => Kind::Boolean,
        Some(17) => Kind::Bytes,
        Some(20) => Kind::Int8,
        Some(21) => Kind::Int2,
        Some(23) => Kind::Int4,
        Some(700) => Kind::Float4,
        Some(701) => Kind::Float8,
        // text, varchar, char(n), name, json, and a literal whose type nobody asked about
        Some(25 | 1043 | 1042 | 19 | 114 | 705) => Kind::Text,
        Some(3802) => Kind::Jsonb,
        Some(2950) => Kind::Uuid,
        _ => {
            let kind = sqlx::TypeInfo::name(column.type_info());
            return Err(Error::UnsupportedType(format!("{}: {kind} (cast it in the statement)", column.name())));
        }
    })
}

/// A row's values. `kinds` is what [`kinds`] said of its columns.
///
/// # Errors
/// `unsupported-type` for what is not what its type promises.
pub(super) fn row(row: &PgRow, kinds: &[Kind]) -> Result<Vec<Value>, Error> {
    let mut values = Vec::with_capacity(kinds.len());
    for (index, kind) in kinds.iter().enumerate() {
        let value = row.try_get_raw(index).map_err(|error| Error::Other(error.to_string()))?;
        let decoded = if value.is_null() { Some(Value::Null) } else { decode(&value, *kind) };
        values.push(decoded.ok_or_else(|| {
            let name = row.columns().get(index).map_or("", PgColumn::name);
            Error::UnsupportedType(format!("{name}: the server's answer is not of its type"))
        })?);
    }
    Ok(values)
}

fn decode(value: &PgValueRef<'_>, kind: Kind) -> Option<Value> {
    let bytes = value.as_bytes().ok()?;
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(|text| Value::Text(text.to_owned()));
    Some(match kind {
        Kind::Boolean => Value::Boolean(*bytes.first()? != 0),
        Kind::Int2 => Value::Integer(i64::from(i16::from_be_bytes(bytes.try_into().ok()?))),
        Kind::Int4 => Value::Integer(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
        Kind::Int8 => Value::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
        Kind::Float4 => Value::Real(f64::from(f32::from_be_bytes(bytes.try_into().ok()?))),
        Kind::Float8 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        Kind::Text => text(bytes)?,
        Kind::Jsonb => text(bytes.strip_prefix(&[1])?)?,
        Kind::Uuid => Value::Text(uuid::Uuid::from_slice(bytes).ok()?.hyphenated().to_string()),
        Kind::Bytes => Value::Blob(bytes.to_vec()),
    })
}
