//! From the rows of an answer to Rust values.

use std::cell::Cell;
use std::vec;

use serde::de::value::{SeqDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Error, Value};
use crate::bindings::datamp::database::sql::RowSet;
use crate::fault::Fault;

thread_local! {
    static IN_ROW: Cell<bool> = const { Cell::new(false) };
}

/// Whether a row is being read: a time is an integer there, and text elsewhere. Serde has no better way to tell a type
/// what it is read from once a field is `flatten`ed.
pub(crate) fn in_row() -> bool {
    IN_ROW.with(Cell::get)
}

/// Reads something that lies inside a column.
pub(super) fn outside_row<T>(read: impl FnOnce() -> T) -> T {
    with_flag(false, read)
}

fn with_flag<T>(flag: bool, read: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_ROW.with(|in_row| in_row.set(self.0));
        }
    }
    let _restore = Restore(IN_ROW.with(|in_row| in_row.replace(flag)));
    read()
}

pub(super) fn all<T: DeserializeOwned>(set: RowSet) -> Result<Vec<T>, Error> {
    let RowSet { columns, rows } = set;
    with_flag(true, || rows.into_iter().map(|values| decode(&columns, values)).collect())
}

pub(super) fn optional<T: DeserializeOwned>(set: RowSet) -> Result<Option<T>, Error> {
    let RowSet { columns, rows } = set;
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (None, _) => Ok(None),
        (Some(values), None) => with_flag(true, || decode(&columns, values)).map(Some),
        (Some(_), Some(_)) => Err(Error::TooManyRows),
    }
}

pub(super) fn one<T: DeserializeOwned>(set: RowSet) -> Result<T, Error> {
    optional(set)?.ok_or(Error::NoRow)
}

fn decode<T: DeserializeOwned>(columns: &[String], values: Vec<Value>) -> Result<T, Error> {
    T::deserialize(Row { columns, values }).map_err(|fault| match fault.field {
        Some(column) => Error::Row(format!("the column {column} {}", fault.detail)),
        None => Error::Row(fault.detail),
    })
}

struct Row<'a> {
    columns: &'a [String],
    values: Vec<Value>,
}

impl Row<'_> {
    /// Hands the only column to `read`.
    fn single<T>(self, read: impl FnOnce(Column) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut values = self.values.into_iter();
        match (values.next(), values.next(), self.columns.first()) {
            (Some(value), None, Some(name)) => read(Column(value)).map_err(|fault| fault.in_field(name)),
            _ => Err(Fault::new(format!("it has {} columns, and one value was wanted", self.columns.len()))),
        }
    }

    fn only_value(&self) -> Option<&Value> {
        match self.values.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.single(|column| column.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Row<'_> {
    type Error = Fault;

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries { columns: self.columns.iter(), values: self.values.into_iter(), current: None })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self.only_value(), Some(Value::Null)) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // `Vec<u8>` asks for a sequence.
        if matches!(self.only_value(), Some(Value::Blob(_))) {
            return self.single(|column| column.deserialize_seq(visitor));
        }
        visitor.visit_seq(Sequence { columns: self.columns.iter(), values: self.values.into_iter() })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        if self.columns.len() != length && !matches!(self.only_value(), Some(Value::Blob(_))) {
            return Err(Fault::new(format!(
                "it has {} columns, and a tuple of {length} was wanted",
                self.columns.len()
            )));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.single(|column| column.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

/// A row by the names of its columns.
struct Entries<'a> {
    columns: std::slice::Iter<'a, String>,
    values: vec::IntoIter<Value>,
    current: Option<(&'a str, Value)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let (Some(name), Some(value)) = (self.columns.next(), self.values.next()) else {
            return Ok(None);
        };
        self.current = Some((name, value));
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((name, value)) = self.current.take() else {
            return Err(Fault::new("a value was asked for before its column"));
        };
        seed.deserialize(Column(value)).map_err(|fault| fault.in_field(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

/// A row by the order of its columns.
struct Sequence<'a> {
    columns: std::slice::Iter<'a, String>,
    values: vec::IntoIter<Value>,
}

impl<'de> SeqAccess<'de> for Sequence<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let (Some(name), Some(value)) = (self.columns.next(), self.values.next()) else {
            return Ok(None);
        };
        seed.deserialize(Column(value)).map(Some).map_err(|fault| fault.in_field(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

/// One column.
struct Column(Value);

impl<'de> Deserializer<'de> for Column {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Integer(value) => visitor.visit_i64(value),
            Value::Real(value) => visitor.visit_f64(value),
            Value::Text(value) => visitor.visit_string(value),
            Value::Blob(value) => visitor.visit_byte_buf(value),
            Value::Integers(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
            Value::Texts(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
        }
    }

    /// SQLite keeps a boolean that was computed as 0 or 1.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Integer(0) => visitor.visit_bool(false),
            Value::Integer(1) => visitor.visit_bool(true),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// `Vec<u8>` asks for a sequence.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Blob(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Text(text) => {
                let text: StringDeserializer<Fault> = text.into_deserializer();
                visitor.visit_enum(text)
            }
            Value::Null => Err(Fault::invalid_type(Unexpected::Unit, &"text")),
            _ => Err(Fault::new("is no text, and a name was wanted")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple_struct
        map struct identifier
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
