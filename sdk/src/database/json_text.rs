//! JSON in a TEXT column.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};
use serde::{Serialize, Serializer};

use super::row::outside_row;
use super::{ToValue, Value};

/// A value that is kept as JSON in a TEXT column: as a parameter it is written, from a row it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonText<T>(pub T);

/// NULL for what is no JSON (a map with keys that are no text).
impl<T: Serialize> ToValue for JsonText<T> {
    fn to_value(&self) -> Value {
        serde_json::to_string(&self.0).map_or(Value::Null, Value::Text)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for JsonText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        outside_row(|| serde_json::from_str(&text))
            .map(Self)
            .map_err(|error| de::Error::custom(format_args!("is no fitting JSON: {error}")))
    }
}

/// That of the value itself.
impl<T: JsonSchema> JsonSchema for JsonText<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The value itself, for whatever the row is told on as.
impl<T: Serialize> Serialize for JsonText<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
