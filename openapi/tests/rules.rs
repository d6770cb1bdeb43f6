//! Each rule, in both directions: what breaks a request does not break an answer, and the other way round.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use datamp_openapi::{Document, DocumentError, OffsetDateTime};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-06-01T00:00:00Z.
fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_780_272_000).unwrap()
}

fn document(paths: Value, components: Value) -> Document {
    let root = json!({
        "openapi": "3.1.0",
        "info": {"title": "Test", "version": "1.0.0"},
        "paths": paths,
        "components": components,
    });
    Document::parse(root.to_string().as_bytes()).unwrap()
}

fn told(old: &Document, new: &Document) -> Vec<String> {
    old.breaks(new, now()).iter().map(ToString::to_string).collect()
}

/// A document with one operation that takes and answers this schema, or only one of the two.
fn with_schema(request: &Value, answer: &Value, schemas: &Value) -> Document {
    let operation = json!({
        "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": answer}}}},
    });
    document(json!({"/a": {"post": operation}}), json!({"schemas": schemas}))
}

/// What changing one schema breaks in requests, and in answers.
fn changed(old: &Value, new: &Value) -> (Vec<String>, Vec<String>) {
    let anything = json!(true);
    let none = json!({});
    let in_request = told(&with_schema(old, &anything, &none), &with_schema(new, &anything, &none));
    let in_answer = told(&with_schema(&anything, old, &none), &with_schema(&anything, new, &none));
    (in_request, in_answer)
}

/// Schemas of which the first takes less than the second.
fn narrow_and_wide() -> Vec<(&'static str, Value, Value)> {
    let object =
        |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let closed = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
    vec![
        ("type", json!({"type": "string"}), json!({"type": ["string", "null"]})),
        ("null", json!({"type": "string"}), json!({"anyOf": [{"type": "string"}, {"type": "null"}]})),
        ("integer", json!({"type": "integer"}), json!({"type": "number"})),
        ("any type", json!({"type": "integer"}), json!({})),
        ("nothing", json!(false), json!({"type": "integer"})),
        ("minimum", json!({"type": "integer", "minimum": 2}), json!({"type": "integer", "minimum": 1})),
        ("no minimum", json!({"type": "integer", "minimum": 2}), json!({"type": "integer"})),
        ("maximum", json!({"type": "number", "maximum": 1}), json!({"type": "number", "maximum": 2})),
        ("strict", json!({"type": "number", "exclusiveMinimum": 0}), json!({"type": "number", "minimum": 0})),
        ("strict maximum", json!({"type": "number", "exclusiveMaximum": 3}), json!({"type": "number", "maximum": 3})),
        (
            "big",
            json!({"type": "integer", "maximum": 999_999_999_999_999_i64}),
            json!({"type": "integer", "maximum": 1_000_000_000_000_000_i64}),
        ),
        ("multiple", json!({"type": "integer", "multipleOf": 10}), json!({"type": "integer", "multipleOf": 5})),
        ("minLength", json!({"type": "string", "minLength": 1}), json!({"type": "string"})),
        ("maxLength", json!({"type": "string", "maxLength": 4}), json!({"type": "string", "maxLength": 5})),
        ("pattern", json!({"type": "string", "pattern": "^a$"}), json!({"type": "string"})),
        ("format", json!({"type": "string", "format": "date-time"}), json!({"type": "string"})),
        ("int32", json!({"type": "integer", "format": "int32"}), json!({"type": "integer", "format": "int64"})),
        ("enum", json!({"enum": ["a"]}), json!({"enum": ["a", "b"]})),
        ("no enum", json!({"type": "string", "enum": ["a"]}), json!({"type": "string"})),
        ("const", json!({"const": "a"}), json!({"enum": ["a", "b"]})),
        ("enum and length", json!({"enum": ["abc"]}), json!({"type": "string", "maxLength": 3})),
        ("enum and range", json!({"enum": [2, 3]}), json!({"type": "integer", "minimum": 2, "maximum": 3})),
        (
            "items",
            json!({"type": "array", "items": {"type": "integer"}}),
            json!({"type": "array", "items": {"type": "number"}}),
        ),
        ("maxItems", json!({"type": "array", "maxItems": 1}), json!({"type": "array", "maxItems": 2})),
        ("uniqueItems", json!({"type": "array", "uniqueItems": true}), json!({"type": "array"})),
        ("required", object(json!({"a": {}}), json!(["a"])), object(json!({"a": {}}), json!([]))),
        (
            "property",
            object(json!({"a": {"type": "string", "maxLength": 1}}), json!([])),
            object(json!({"a": {"type": "string"}}), json!([])),
        ),
        ("closed", closed(json!({"a": {}})), object(json!({"a": {}}), json!([]))),
        ("new optional field", closed(json!({"a": {}})), closed(json!({"a": {}, "b": {}}))),
        ("map", json!({"type": "object", "additionalProperties": {"type": "integer"}}), json!({"type": "object"})),
        ("choice", json!({"oneOf": [{"type": "string"}]}), json!({"oneOf": [{"type": "string"}, {"type": "boolean"}]})),
        ("all of", json!({"allOf": [{"type": "integer"}, {"minimum": 1}]}), json!({"type": "integer"})),
        ("not", json!({"type": "integer", "not": {"const": 3}}), json!({"type": "integer"})),
    ]
}

#[test]
fn a_request_may_widen_and_not_narrow() {
    for (name, narrow, wide) in narrow_and_wide() {
        assert_eq!(changed(&narrow, &wide).0, [""; 0], "{name} widens");
        if name != "new optional field" {
            assert_ne!(changed(&wide, &narrow).0, [""; 0], "{name} narrows");
        }
    }
}

#[test]
fn an_answer_may_narrow_and_not_widen() {
    for (name, narrow, wide) in narrow_and_wide() {
        assert_ne!(changed(&narrow, &wide).1, [""; 0], "{name} widens");
        if name != "new optional field" {
            assert_eq!(changed(&wide, &narrow).1, [""; 0], "{name} narrows");
        }
    }
}

#[test]
fn a_field_that_goes_breaks_either_way_although_it_could_be_left_out() {
    let with = json!({"type": "object", "properties": {"a": {}, "b": {}}});
    let without = json!({"type": "object", "properties": {"a": {}}});
    let (request, answer) = changed(&with, &without);
    assert_eq!(request, ["POST /a: request body, b: it was taken, and is not read any more"]);
    assert_eq!(answer, ["POST /a: answer 200, b: it is gone"]);
    assert_eq!(changed(&without, &with), (vec![], vec![]), "open objects take new fields");
}

#[test]
fn a_new_required_field_breaks_requests_alone() {
    let old = json!({"type": "object", "properties": {"a": {}}, "required": ["a"]});
    let new = json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]});
    assert_eq!(changed(&old, &new), (vec!["POST /a: request body, b: it is new, and required".to_owned()], vec![]));
}

#[test]
fn an_enumeration_of_an_answer_grows_only_if_it_was_said_that_it_may() {
    let few = json!({"type": "string", "enum": ["a"]});
    let more = json!({"type": "string", "enum": ["a", "b"], "x-open-enum": true});
    assert_eq!(changed(&few, &more).1, [r#"POST /a: answer 200: it may now be "b""#]);
    let few_and_open = json!({"type": "string", "enum": ["a"], "x-open-enum": true});
    assert_eq!(changed(&few_and_open, &more), (vec![], vec![]));
    assert_eq!(changed(&more, &few_and_open).0, [r#"POST /a: request body: "b" was taken, and is not any more"#]);
}

#[test]
fn the_messages_tell_the_place_and_both_values() {
    let of = |most: i64| {
        let item = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": most}}});
        json!({"type": "object", "properties": {"items": {"type": "array", "items": item}}})
    };
    let (request, answer) = (changed(&of(9), &of(8)).0, changed(&of(8), &of(9)).1);
    assert_eq!(request, ["POST /a: request body, items[].n: its greatest value was 9, and is 8"]);
    assert_eq!(answer, ["POST /a: answer 200, items[].n: its greatest value was 8, and is 9"]);
}

#[test]
fn words_break_nothing() {
    let old = json!({"type": "string", "description": "a", "title": "b", "examples": ["c"], "x-note": 1});
    assert_eq!(changed(&old, &json!({"type": "string"})), (vec![], vec![]));
}

#[test]
fn a_recursive_schema_is_compared_to_its_end() {
    let tree = |leaf: &str| {
        let children = json!({"type": "array", "items": {"$ref": "#/components/schemas/Tree"}});
        json!({"Tree": {"type": "object", "properties": {"children": children, "leaf": {"type": leaf}}}})
    };
    let reference = json!({"$ref": "#/components/schemas/Tree"});
    let of = |leaf| with_schema(&reference, &reference, &tree(leaf));
    assert_eq!(told(&of("string"), &of("string")), [""; 0]);
    let breaks = told(&of("string"), &of("integer"));
    assert!(breaks.iter().any(|one| one.starts_with("POST /a: request body, leaf: a text was taken")), "{breaks:?}");
    assert!(breaks.iter().any(|one| one == "POST /a: answer 200, leaf: it may now be an integer"), "{breaks:?}");
}

/// An operation at `/a/{id}`, with this in place of what it says.
fn operation(changes: &[(&str, Value)]) -> Document {
    let mut operation = json!({
        "operationId": "a",
        "parameters": [
            {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
            {"in": "query", "name": "q", "schema": {"type": "integer", "default": 1}},
            {"in": "header", "name": "X-Key", "schema": {"type": "string"}},
        ],
        "requestBody": {"content": {"application/json": {}, "text/plain": {}}},
        "responses": {
            "200": {"description": "", "headers": {"ETag": {"schema": {"type": "string"}}}, "content": {"application/json": {}}},
            "404": {"description": ""},
        },
        "security": [{"key": []}, {"session": ["read"]}],
    });
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = operation.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Object(members), Value::Null) => drop(members.remove(name)),
            (Value::Object(members), value) => drop(members.insert(name.to_owned(), value.clone())),
            (Value::Array(items), Value::Null) => drop(items.remove(name.parse().unwrap())),
            (Value::Array(items), value) if name == "-" => items.push(value.clone()),
            (parent, _) => panic!("{pointer}: {parent}"),
        }
    }
    let schemes = json!({"key": {"type": "http", "scheme": "bearer"}, "session": {"type": "oauth2"}});
    document(json!({"/a/{id}": {"get": operation}}), json!({"securitySchemes": schemes}))
}

#[test]
fn each_rule_about_operations_holds() {
    let required = json!({"in": "query", "name": "r", "required": true, "schema": {}});
    let optional = json!({"in": "query", "name": "r", "schema": {}});
    for (change, expected) in [
        (("/operationId", json!("b")), Some("GET /a/{id}: its operationId was a, and is another")),
        (("/parameters/-", required), Some("GET /a/{id}: query parameter r: it is new, and required")),
        (("/parameters/-", optional), None),
        (("/parameters/1", Value::Null), Some("GET /a/{id}: query parameter q: it is gone")),
        (("/parameters/2", Value::Null), None),
        (
            ("/parameters/1/required", json!(true)),
            Some("GET /a/{id}: query parameter q: it could be left out, and is required"),
        ),
        (("/parameters/1/style", json!("pipeDelimited")), Some("GET /a/{id}: query parameter q: its style changed")),
        (
            ("/parameters/1/schema/default", json!(2)),
            Some("GET /a/{id}: query parameter q: its default was 1, and is 2"),
        ),
        (
            ("/parameters/1/schema/maximum", json!(5)),
            Some("GET /a/{id}: query parameter q: its greatest value was none, and is 5"),
        ),
        (("/parameters/2/name", json!("x-key")), None),
        (("/requestBody", Value::Null), Some("GET /a/{id}: request body: it is not read any more")),
        (
            ("/requestBody/required", json!(true)),
            Some("GET /a/{id}: request body: it could be left out, and is required"),
        ),
        (("/requestBody/content/text~1plain", Value::Null), None),
        (("/responses/200", Value::Null), Some("GET /a/{id}: answer 200: it is gone")),
        (("/responses/201", json!({"description": ""})), None),
        (("/responses/404", Value::Null), None),
        (
            ("/responses/200/content", json!({"text/csv": {}})),
            Some("GET /a/{id}: answer 200: the media type application/json is gone"),
        ),
        (("/responses/200/headers", json!({})), Some("GET /a/{id}: answer 200: the header field ETag is gone")),
        (("/responses/200/headers", json!({"etag": {"schema": {"type": "string"}}})), None),
        (
            ("/security", json!([{"key": []}])),
            Some("GET /a/{id}: security: session sufficed to authenticate, and does not any more"),
        ),
        (
            ("/security", json!([{"key": []}, {"session": ["read", "write"]}])),
            Some("GET /a/{id}: security: session sufficed to authenticate, and does not any more"),
        ),
        (("/security", json!([])), None),
        (("/security", json!([{"key": []}, {"session": []}, {"other": []}])), None),
    ] {
        let (pointer, value) = change;
        let breaks = told(&operation(&[]), &operation(&[(pointer, value)]));
        assert_eq!(breaks, expected.into_iter().collect::<Vec<_>>(), "{pointer}");
    }
    let one_media_type = operation(&[("/requestBody/content", json!({"application/json": {}}))]);
    assert_eq!(
        told(&operation(&[]), &one_media_type),
        ["GET /a/{id}: request body: the media type text/plain is gone"]
    );
    let open = operation(&[("/security", json!([]))]);
    assert_eq!(
        told(&open, &operation(&[])),
        ["GET /a/{id}: security: nothing sufficed to authenticate, and does not any more"]
    );
}

#[test]
fn a_path_is_the_same_whatever_its_parameters_are_called() {
    let of = |name: &str, kind: &str| {
        let parameter = json!({"in": "path", "name": name, "required": true, "schema": {"type": kind}});
        document(json!({format!("/a/{{{name}}}/b"): {"parameters": [parameter], "get": {"responses": {}}}}), json!({}))
    };
    assert_eq!(told(&of("id", "string"), &of("note", "string")), [""; 0]);
    assert_eq!(told(&of("id", "string"), &of("note", "integer")).len(), 1);
}

#[test]
fn an_operation_goes_only_after_its_sunset() {
    let of =
        |operation: Value| document(json!({"/a": {"get": operation}, "/b": {"get": {"responses": {}}}}), json!({}));
    let without = document(json!({"/b": {"get": {"responses": {}}}}), json!({}));
    let gone = ["GET /a: the operation is gone"];
    assert_eq!(told(&of(json!({"responses": {}})), &without), gone);
    let deprecated = |sunset: &str| of(json!({"responses": {}, "deprecated": true, "x-sunset": sunset}));
    assert_eq!(told(&deprecated("2026-05-31T23:59:59Z"), &without), [""; 0]);
    assert_eq!(told(&deprecated("2026-06-01T00:00:01Z"), &without), gone);
    assert_eq!(told(&of(json!({"responses": {}, "x-sunset": "2020-01-01T00:00:00Z"})), &without), gone);
    assert_eq!(told(&without, &of(json!({"responses": {}}))), [""; 0], "an operation may be added");
}

#[test]
fn a_server_that_goes_takes_its_clients_with_it() {
    let of = |servers: Value| {
        let root = json!({"openapi": "3.1.0", "info": {"version": "1"}, "paths": {}, "servers": servers});
        Document::parse(root.to_string().as_bytes()).unwrap()
    };
    let (one, two) = (of(json!([{"url": "/"}])), of(json!([{"url": "/"}, {"url": "https://b.example/"}])));
    assert_eq!(told(&one, &two), [""; 0]);
    assert_eq!(told(&two, &one), [r#"servers: "https://b.example" is gone"#]);
    assert_eq!(told(&of(json!([])), &one), [""; 0]);
}

#[test]
fn what_is_no_document_is_refused() {
    let parse = |text: &str| Document::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(parse("{"), DocumentError::NotJson(_)));
    assert!(matches!(parse(&"[".repeat(100_000)), DocumentError::NotJson(_)));
    assert!(matches!(parse(r#"{"openapi": "3.0.3"}"#), DocumentError::NotOpenApi));
    assert!(matches!(parse(r#"{"openapi": "3.1.0"}"#), DocumentError::Member("info.version")));
    let dangling = r##"{"openapi": "3.1.0", "info": {"version": "1"}, "paths": {"/a": {"$ref": "#/no"}}}"##;
    assert!(matches!(parse(dangling), DocumentError::Reference(name) if name == "#/no"));
    assert!(matches!(Document::parse(&vec![b' '; (4 << 20) + 1]), Err(DocumentError::TooLarge)));
}

#[test]
fn a_sunset_is_told_in_time_and_not_moved_forward() {
    let of = |operation: Value| document(json!({"/a": {"get": operation}}), json!({}));
    let with = |sunset: &str| of(json!({"responses": {}, "deprecated": true, "x-sunset": sunset}));
    let without = of(json!({"responses": {}}));
    for soon in ["2020-01-01T00:00:00Z", "2026-06-30T23:59:59Z"] {
        let expected = format!("GET /a: its sunset is {soon}, and is to be told 30 days ahead");
        assert_eq!(told(&without, &with(soon)), [expected]);
    }
    let (early, late) = ("2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert_eq!(told(&without, &with(early)), [""; 0]);
    assert_eq!(told(&with(early), &with(late)), [""; 0]);
    let expected = format!("GET /a: its sunset was {late}, and is earlier: {early}");
    assert_eq!(told(&with(late), &with(early)), [expected]);
}

#[test]
fn a_field_that_was_always_there_is_missed_though_nothing_names_it() {
    let texts = json!({"type": "object", "required": ["id"], "additionalProperties": {"type": "string"}});
    let none = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let (_, in_answer) = changed(&texts, &none);
    assert_eq!(in_answer, ["POST /a: answer 200, id: it was always there, and may be absent"]);
}

#[test]
fn describing_names_one_by_one_changes_nothing() {
    let some = json!({"oneOf": [{"enum": ["a", "b"]}, {"const": "c", "description": "C."}]});
    let all = json!({"enum": ["a", "b", "c"]});
    assert_eq!(changed(&some, &all), (vec![], vec![]));
    assert_eq!(changed(&all, &some), (vec![], vec![]));
}

/// Two documents that are not the same to the letter, so that nothing is spared.
fn with_more(schemas: &Value) -> Value {
    let mut more = schemas.clone();
    more["Unused"] = json!(true);
    more
}

#[test]
fn a_reference_to_itself_ends() {
    let schemas = json!({
        "A": {"$ref": "#/components/schemas/A"},
        "B": {"anyOf": [{"$ref": "#/components/schemas/B"}, {"type": "null"}]},
        "C": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/C"}}},
    });
    for (name, ends) in [("A", false), ("B", false), ("C", true)] {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        let one = with_schema(&json!({"allOf": [reference]}), &json!(true), &schemas);
        let other = with_schema(&json!({"allOf": [reference]}), &json!(true), &with_more(&schemas));
        // What never says anything can't be compared; what goes on can.
        assert_eq!(told(&one, &other).is_empty(), ends, "{name}");
    }
}

#[test]
fn a_document_that_grows_beyond_measure_is_not_followed() {
    let reference = |number: usize| json!({"$ref": format!("#/components/schemas/A{number}")});
    let mut wide = json!({"A16": false});
    for number in 0..16 {
        wide[format!("A{number}")] = json!({"anyOf": vec![reference(number + 1); 20]});
    }
    let large = json!({"properties": {"a": {"description": "x".repeat(1 << 20)}}});
    let heavy = json!({
        "A0": {"allOf": vec![reference(1); 100]}, "A1": {"allOf": vec![reference(2); 100]}, "A2": large,
    });
    for schemas in [wide, heavy] {
        let one = with_schema(&reference(0), &json!(true), &schemas);
        let other = with_schema(&reference(0), &json!(true), &with_more(&schemas));
        let told = told(&one, &other);
        let expected = "POST /a: request body: the schema has too many alternatives to be compared";
        assert!(told.iter().any(|one| one == expected), "{told:?}");
    }
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({"$ref": "#/components/schemas/Shared"})),
        prop::sample::subsequence(vec!["string", "integer", "number", "null", "boolean"], 1..4)
            .prop_map(|types| json!({"type": types})),
        (any::<i16>(), any::<u8>()).prop_map(|(least, more)| {
            json!({"type": "integer", "minimum": least, "exclusiveMaximum": i32::from(least) + i32::from(more)})
        }),
        prop::collection::vec("[a-c]{1,2}", 1..4).prop_map(|names| json!({"enum": names, "maxLength": 2})),
        (0..9_u8).prop_map(|length| json!({"type": "string", "minLength": length, "pattern": "^a", "format": "x"})),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let some = || prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            some().prop_map(|all| json!({"allOf": all})),
            some().prop_map(|any| json!({"anyOf": any, "minProperties": 1})),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items, "maxItems": 3, "uniqueItems": true})),
            (prop::collection::btree_map("[a-c]", inner.clone(), 0..3), any::<bool>()).prop_map(|(properties, open)| {
                let required: Vec<_> = properties.keys().take(1).cloned().collect();
                json!({"type": "object", "properties": properties, "required": required, "additionalProperties": open})
            }),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_breaks_itself(request in schema(), answer in schema(), shared in schema()) {
        // Recursion goes through a property: a schema that is nothing but itself says nothing.
        let shared = json!({"type": "object", "properties": {"a": shared}});
        let one = with_schema(&request, &answer, &json!({"Shared": shared}));
        // Another document, although nothing that matters is different: each schema is looked at.
        let other = with_schema(&request, &answer, &json!({"Shared": shared, "Unused": {}}));
        prop_assert_eq!(told(&one, &one), [""; 0]);
        prop_assert_eq!(told(&one, &other), [""; 0]);
    }

    #[test]
    fn to_let_more_in_breaks_no_request_and_to_say_less_no_answer(schema in schema()) {
        let wider = json!({"anyOf": [schema.clone(), {"type": "boolean", "const": true}]});
        let schemas = json!({"Shared": {"type": "string"}});
        let anything = json!(true);
        let of = |request: &Value, answer: &Value| with_schema(request, answer, &schemas);
        prop_assert_eq!(told(&of(&schema, &anything), &of(&wider, &anything)), [""; 0]);
        prop_assert_eq!(told(&of(&anything, &wider), &of(&anything, &schema)), [""; 0]);
    }
}
