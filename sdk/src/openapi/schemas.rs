//! JSON Schemas of the types that travel.

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The named schemas. What is read and what is written of one type may differ, so each way has its own.
#[derive(Debug)]
pub(super) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
        Self {
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }
}

impl Schemas {
    /// What `T` reads, whole.
    pub(super) fn of_request<T: JsonSchema>(&mut self) -> Value {
        tidied(T::json_schema(&mut self.requests))
    }

    /// What `T` reads, by its name where it has one.
    pub(super) fn named_in_request<T: JsonSchema>(&mut self) -> Value {
        tidied(self.requests.subschema_for::<T>())
    }

    /// What is written of `T`, by its name where it has one.
    pub(super) fn named_in_answer<T: JsonSchema>(&mut self) -> Value {
        tidied(self.answers.subschema_for::<T>())
    }

    /// Every named schema, and the names of those that are read otherwise than they are written.
    pub(super) fn take(&mut self) -> (BTreeMap<String, Value>, Vec<String>) {
        let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
        let mut two_faced = Vec::new();
        for generator in [&mut self.requests, &mut self.answers] {
            for (name, mut schema) in generator.take_definitions(true) {
                tidy(&mut schema);
                match schemas.get(&name) {
                    Some(known) if *known != schema => two_faced.push(name),
                    _ => drop(schemas.insert(name, schema)),
                }
            }
        }
        (schemas, two_faced)
    }
}

fn tidied(schema: Schema) -> Value {
    let mut schema = Value::from(schema);
    tidy(&mut schema);
    schema
}

/// Says the same in the form that readers and generators of clients know best.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(members) => {
            members.values_mut().for_each(tidy);
            names_as_enum(members);
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = in_plain_words(description);
            }
        }
        _ => {}
    }
}

/// Each name with a description of its own is drawn as a choice between constants; an `enum` says it in one place.
fn names_as_enum(members: &mut Map<String, Value>) {
    let Some(choices) = members.get("oneOf").and_then(Value::as_array) else { return };
    let named = |choice: &Value| Some((choice.get("const")?.as_str()?.to_owned(), choice.get("description").cloned()));
    let Some(names) = choices.iter().map(named).collect::<Option<Vec<_>>>() else { return };
    let mut description = members.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, meaning) in &names {
        if let Some(meaning) = meaning.as_ref().and_then(Value::as_str) {
            let gap = if description.is_empty() || description.ends_with('\n') { "" } else { "\n\n" };
            description.push_str(&format!("{gap}- `{name}`: {meaning}\n"));
        }
    }
    members.remove("oneOf");
    members.insert("type".to_owned(), "string".into());
    members.insert("enum".to_owned(), names.into_iter().map(|(name, _)| name).collect());
    if !description.is_empty() {
        members.insert("description".to_owned(), description.trim_end().into());
    }
}

/// Without the brackets by which Rust's documentation links, and with each paragraph and each item of a list on one line.
fn in_plain_words(description: &str) -> String {
    let mut plain = String::new();
    let mut after_blank = false;
    for line in description.lines().map(str::trim) {
        let gap = match () {
            () if plain.is_empty() || line.is_empty() => "",
            () if after_blank => "\n\n",
            () if line.starts_with("- ") => "\n",
            () => " ",
        };
        plain.push_str(gap);
        plain.push_str(line);
        after_blank = line.is_empty();
    }
    plain.replace("[`", "`").replace("`]", "`")
}

/// A parameter is left out rather than null.
pub(super) fn without_null(mut schema: Value) -> Value {
    let Some(members) = schema.as_object_mut() else { return schema };
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = members.get_mut("enum") {
        choices.retain(|choice| !choice.is_null());
    }
    if let Some(Value::Array(mut choices)) = members.remove("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        match choices.as_slice() {
            [Value::Object(only)] => members.extend(only.clone()),
            _ => drop(members.insert("anyOf".to_owned(), choices.into())),
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_with_descriptions_become_an_enum() {
        let mut schema = json!({
            "description": "Where it stands. See [`Other`].",
            "oneOf": [
                {"type": "string", "const": "open", "description": "It goes on."},
                {"type": "string", "const": "closed", "description": "It is over."}
            ]
        });
        tidy(&mut schema);
        let text = "Where it stands. See `Other`.\n\n- `open`: It goes on.\n- `closed`: It is over.";
        assert_eq!(schema, json!({"type": "string", "enum": ["open", "closed"], "description": text}));
    }

    #[test]
    fn a_paragraph_and_an_item_of_a_list_are_on_one_line() {
        let plain =
            in_plain_words(" One\n paragraph.\n\n\n Another, see [`This`]:\n - an item\n that goes on\n - one more");
        assert_eq!(plain, "One paragraph.\n\nAnother, see `This`:\n- an item that goes on\n- one more");
    }

    #[test]
    fn a_choice_between_other_things_stays_one() {
        let choice = json!({"oneOf": [{"const": "a"}, {"type": "object"}]});
        let mut schema = choice.clone();
        tidy(&mut schema);
        assert_eq!(schema, choice);
    }

    #[test]
    fn null_is_no_value_of_a_parameter() {
        for (schema, expected) in [
            (json!({"type": ["string", "null"], "default": null}), json!({"type": "string"})),
            (
                json!({"description": "Which.", "anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]}),
                json!({"description": "Which.", "$ref": "#/components/schemas/A"}),
            ),
            (json!({"enum": ["a", null]}), json!({"enum": ["a"]})),
            (
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            ),
            (json!({"type": "integer", "default": 20}), json!({"type": "integer", "default": 20})),
        ] {
            assert_eq!(without_null(schema), expected);
        }
    }
}
