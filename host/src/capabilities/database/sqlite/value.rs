//! Values to and from SQLite.

use sqlx::{
    Column, Decode, Row, Sqlite, TypeInfo, ValueRef,
    sqlite::{SqliteArguments, SqliteColumn, SqliteRow, SqliteValueRef},
};

use crate::capabilities::database::sql::{Error, Value};

/// The parameters of a statement.
///
/// # Errors
/// `invalid-statement` for a number that SQLite can't hold.
pub(super) fn arguments(parameters: Vec<Value>) -> Result<SqliteArguments, Error> {
    use sqlx::Arguments as _;
    let mut arguments = SqliteArguments::default();
    arguments.reserve(parameters.len(), 0);
    for (index, value) in parameters.into_iter().enumerate() {
        let added = match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Boolean(value) => arguments.add(value),
            Value::Integer(value) => arguments.add(value),
            // SQLite would make a NULL of it without a word.
            Value::Real(value) if value.is_nan() => Err("SQLite has no NaN".into()),
            Value::Real(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Blob(value) => arguments.add(value),
            Value::Integers(values) => arguments.add(json(&values)),
            Value::Texts(values) => arguments.add(json(&values)),
        };
        added.map_err(|error| Error::InvalidStatement(format!("parameter ${}: {error}", index + 1)))?;
    }
    Ok(arguments)
}

/// An array as JSON text, for `json_each`.
pub(super) fn json<T: serde::Serialize>(values: &[T]) -> String {
    // Integers and texts always have a JSON form.
    serde_json::to_string(values).unwrap_or_default()
}

/// Whether a column that is declared so holds booleans, as sqlx has it.
pub(super) fn is_boolean(declared: &str) -> bool {
    declared.eq_ignore_ascii_case("BOOLEAN") || declared.eq_ignore_ascii_case("BOOL")
}

/// An integer, or the boolean that it is kept for. One that is neither 0 nor 1 is none.
pub(super) const fn integer(number: i64, boolean: bool) -> Value {
    match (boolean, number) {
        (true, 0) => Value::Boolean(false),
        (true, 1) => Value::Boolean(true),
        _ => Value::Integer(number),
    }
}

/// Which columns are declared BOOLEAN.
pub(super) fn booleans(columns: &[SqliteColumn]) -> Vec<bool> {
    columns.iter().map(|column| column.type_info().name() == "BOOLEAN").collect()
}

/// A row's values. `booleans` is what [`booleans`] said of its columns.
///
/// # Errors
/// `unsupported-type` for a text that is not UTF-8.
pub(super) fn row(row: &SqliteRow, booleans: &[bool]) -> Result<Vec<Value>, Error> {
    let mut values = Vec::with_capacity(booleans.len());
    for (index, boolean) in booleans.iter().enumerate() {
        let value = row.try_get_raw(index).map_err(|error| Error::Other(error.to_string()))?;
        values.push(decode(value, *boolean).map_err(|error| {
            let name = row.columns().get(index).map_or("", Column::name);
            Error::UnsupportedType(format!("{name}: {error}"))
        })?);
    }
    Ok(values)
}

fn decode(value: SqliteValueRef<'_>, boolean: bool) -> Result<Value, sqlx::error::BoxDynError> {
    // The type of this very value: a column may hold values of several.
    if value.is_null() {
        return Ok(Value::Null);
    }
    // Looked up before the value is given away to its decoder.
    let decoder = match value.type_info().name() {
        "INTEGER" => Decoder::Integer,
        "REAL" => Decoder::Real,
        "TEXT" => Decoder::Text,
        _ => Decoder::Blob,
    };
    Ok(match decoder {
        Decoder::Integer => integer(<i64 as Decode<'_, Sqlite>>::decode(value)?, boolean),
        Decoder::Real => Value::Real(<f64 as Decode<'_, Sqlite>>::decode(value)?),
        Decoder::Text => Value::Text(<String as Decode<'_, Sqlite>>::decode(value)?),
        Decoder::Blob => Value::Blob(<Vec<u8> as Decode<'_, Sqlite>>::decode(value)?),
    })
}

/// SQLite's storage classes but NULL.
enum Decoder {
    Integer,
    Real,
    Text,
    Blob,
}
