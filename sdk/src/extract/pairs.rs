//! Deserialising names with values: queries and forms.

use std::borrow::Cow;
use std::vec;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::text::{Text, Values};
use crate::fault::Fault;

/// No form that people fill in has more; looking each up among the others stays cheap.
const LIMIT: usize = 1000;

/// A value from names that may come several times.
pub(super) fn from_pairs<'a, T: DeserializeOwned>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<T, Fault> {
    let mut groups: Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)> = Vec::new();
    for (count, (name, value)) in pairs.enumerate() {
        if count == LIMIT {
            return Err(Fault::new(format!("More than {LIMIT} values can't be taken.")));
        }
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    T::deserialize(Named(groups))
}

/// Names with their values: a struct or a map.
pub(super) struct Named<'a>(pub(super) Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)>);

impl<'de> Deserializer<'de> for Named<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries { entries: self.0.into_iter(), current: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'a> {
    entries: vec::IntoIter<(Cow<'a, str>, Vec<Cow<'a, str>>)>,
    current: Option<(Cow<'a, str>, Vec<Cow<'a, str>>)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.entries.next();
        match &self.current {
            Some((name, _)) => seed.deserialize(Text(Cow::Borrowed(name))).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((name, values)) = self.current.take() else {
            return Err(Fault::new("a value was asked for before its name"));
        };
        seed.deserialize(Values(values)).map_err(|fault| fault.in_field(&name))
    }
}
