//! Deserialising the parameters of a path: one as a value, several by position or by name.

use std::borrow::Cow;
use std::vec;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::pairs::Named;
use super::text::Text;
use crate::fault::Fault;

type Parameters<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// A value from the parameters of a path, percent-decoded.
pub(super) fn from_parameters<T: DeserializeOwned>(parameters: Parameters<'_>) -> Result<T, Fault> {
    let only = if let [(name, _)] = parameters.as_slice() { Some(*name) } else { None };
    T::deserialize(Positional(parameters)).map_err(|fault| match only {
        // A type that checks the text itself does so after the text was read.
        Some(name) => fault.in_field(name),
        None => fault,
    })
}

/// Names with one value each, in order: a tuple, a struct, a map or a single value.
struct Positional<'a>(Parameters<'a>);

impl<'a> Positional<'a> {
    /// Hands the only parameter to `read`.
    fn single<T>(self, read: impl FnOnce(Text<'a>) -> Result<T, Fault>) -> Result<T, Fault> {
        let count = self.0.len();
        let mut pairs = self.0.into_iter();
        match (pairs.next(), pairs.next()) {
            (Some((name, value)), None) => read(Text(value)).map_err(|fault| fault.in_field(name)),
            _ => Err(Fault::new(format!("The handler takes one path parameter, the route has {count}."))),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.single(|text| text.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Positional<'_> {
    type Error = Fault;

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier deserialize_option
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.single(|text| text.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Sequence(self.0.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        if self.0.len() != length {
            return Err(Fault::new(format!(
                "The handler takes {length} path parameters, the route has {}.",
                self.0.len()
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

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries = self.0.into_iter();
        let entries: Vec<_> = entries.map(|(name, value)| (Cow::Borrowed(name), vec![value])).collect();
        Named(entries).deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }
}

struct Sequence<'a>(vec::IntoIter<(&'a str, Cow<'a, str>)>);

impl<'de> SeqAccess<'de> for Sequence<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        match self.0.next() {
            Some((name, value)) => seed.deserialize(Text(value)).map(Some).map_err(|fault| fault.in_field(name)),
            None => Ok(None),
        }
    }
}
