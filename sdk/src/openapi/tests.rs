use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::{
    Bearer, Created, IdempotencyKey, Json, Method, NoContent, Path, Problem, Query, Request, Response, Router, Text,
    Timestamp,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// What is to be remembered. See [`Note`].
    text: String,
    colour: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Note {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct Page {
    /// How many.
    limit: Option<u32>,
    from: String,
}

fn add(_: Bearer, _: IdempotencyKey, Json(new): Json<NewNote>) -> Result<Created<Note>, Problem> {
    let _ = new.colour;
    Ok(Created(Note { text: new.text }))
}

fn list(_: Option<Bearer>, Query(page): Query<Page>) -> Json<Vec<Note>> {
    let _ = (page.limit, page.from);
    Json(Vec::new())
}

fn one(Path(id): Path<String>) -> As<(Json<Note>, NoContent)> {
    As::new(Response::new(if id.is_empty() { 204 } else { 200 }))
}

fn described(routes: impl FnOnce(&mut Api<'_>)) -> Result<Value, Faults> {
    Document::new("Notes", "1.0.0").of(|router| {
        let mut api = Api::new(router);
        api.tag("Notes", "What is to be remembered.");
        routes(&mut api);
    })
}

fn whole() -> Value {
    let document = described(|api| {
        api.post("/notes", add).id("addNote").summary("Add a note").problem(409, "too-many", "There are too many.");
        api.get("/notes", list).id("listNotes").summary("List notes");
        api.get("/notes/{id}", one).id("getNote").summary("Read a note");
    });
    document.unwrap()
}

#[test]
fn what_a_handler_takes_and_answers_stands_in_the_document() {
    let document = whole();
    let add = &document["paths"]["/notes"]["post"];
    assert_eq!(add["operationId"], "addNote");
    assert_eq!(add["tags"], json!(["Notes"]));
    assert_eq!(add["security"], json!([{"bearer": []}]));
    assert_eq!(add["parameters"][0]["name"], "Idempotency-Key");
    assert_eq!(add["parameters"][0]["required"], true);
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    assert_eq!(add["requestBody"]["content"]["application/json"]["schema"], reference("NewNote"));
    assert_eq!(add["responses"]["201"]["content"]["application/json"]["schema"], reference("Note"));
    let statuses: Vec<_> = add["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(statuses, ["201", "400", "401", "408", "409", "413", "415", "422", "431", "5XX"]);
    assert!(add["responses"]["409"]["description"].as_str().unwrap().contains("`too-many`: There are too many."));
    assert!(add["responses"]["401"]["headers"]["WWW-Authenticate"].is_object());
    let new = &document["components"]["schemas"]["NewNote"];
    assert_eq!(new["additionalProperties"], false);
    assert_eq!(new["required"], json!(["text"]));
    assert_eq!(new["properties"]["text"]["description"], "What is to be remembered. See `Note`.");
    assert!(document["components"]["schemas"]["Note"].get("additionalProperties").is_none(), "answers are open");
}

#[test]
fn what_may_be_left_out_is_not_required() {
    let document = whole();
    let list = &document["paths"]["/notes"]["get"];
    assert_eq!(list["security"], json!([{"bearer": []}, {}]));
    let parameter = |name: &str| {
        let all = list["parameters"].as_array().unwrap();
        all.iter().find(|parameter| parameter["name"] == name).unwrap().clone()
    };
    assert_eq!(parameter("from")["required"], true);
    let limit = parameter("limit");
    assert_eq!((&limit["required"], &limit["description"]), (&json!(false), &json!("How many.")));
    assert_eq!(limit["schema"], json!({"type": "integer", "format": "uint32", "minimum": 0}));
}

#[test]
fn a_response_made_by_hand_is_described_as_what_it_is() {
    let document = whole();
    let one = &document["paths"]["/notes/{id}"]["get"];
    let id = json!({"in": "path", "name": "id", "required": true, "schema": {"type": "string"}});
    assert_eq!(one["parameters"], json!([id]));
    assert!(one["responses"]["200"]["content"].is_object() && one["responses"]["204"].get("content").is_none());
}

#[test]
fn what_is_not_described_in_full_is_refused() {
    let faults = Document::new("Notes", "1.0.0").of(|router| {
        router.get("/page", || Text("by hand")).get("/left-out", || "too");
        let mut api = Api::new(router);
        api.get("/bare", || "a");
        api.tag("Notes", "Notes.");
        api.get("/first", || "a").id("same").summary("First");
        api.get("/{id}/second", || "a").id("same").summary("Second");
    });
    let expected = [
        "get /page is not described: add it by an `Api`",
        "get /left-out is not described: add it by an `Api`",
        "get /bare has no summary",
        "get /bare has no tag",
        "get /bare has no id",
        "two operations have the id same",
        "get /{id}/second does not take {id}",
    ];
    assert_eq!(faults.unwrap_err(), Faults(expected.map(str::to_owned).to_vec()));
    let left_out = Document::new("Notes", "1.0.0").except("/page").of(|router| {
        router.get("/page", || Text("by hand"));
    });
    assert!(left_out.is_ok());
}

#[test]
fn a_type_that_is_read_otherwise_than_it_is_written_needs_two_names() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Both {
        #[serde(skip_serializing)]
        #[allow(dead_code, reason = "only its description is looked at")]
        secret: String,
    }
    let faults = described(|api| {
        let both = |Json(both): Json<Both>| Json(Both { secret: both.secret });
        api.post("/both", both).id("both").summary("Both");
    });
    let [fault] = faults.unwrap_err().0.try_into().unwrap();
    assert!(fault.starts_with("the schema Both is read otherwise"), "{fault}");
}

#[test]
fn a_deprecated_operation_says_so_in_the_document_and_in_every_answer() {
    let (since, sunset) = (Timestamp::from_seconds(1_688_169_599), Timestamp::from_seconds(784_111_777));
    let routes = |api: &mut Api<'_>| {
        let refuse = || Err::<NoContent, _>(Problem::forbidden("No."));
        api.get("/old", refuse).id("old").summary("Old").deprecated(since, Some(sunset));
        api.get("/older", || "a").id("older").summary("Older").deprecated(since, None);
        api.post("/old", || "a").id("new").summary("New");
    };
    let document = described(routes).unwrap();
    let old = &document["paths"]["/old"]["get"];
    assert_eq!((&old["deprecated"], &old["x-sunset"]), (&json!(true), &json!("1994-11-06T08:49:37Z")));
    assert!(old["responses"]["204"]["headers"]["Sunset"].is_object());
    assert!(document["paths"]["/older"]["get"]["responses"]["200"]["headers"].get("Sunset").is_none());
    assert!(document["paths"]["/old"]["post"].get("deprecated").is_none());

    let mut router = Router::new();
    let mut api = Api::new(&mut router);
    routes(&mut api);
    let answer = |method, path: &str| router.handle(&Request::new(method, path));
    let refused = answer(Method::Get, "/old");
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.header_value("deprecation"), Some("@1688169599"));
    assert_eq!(refused.header_value("sunset"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(answer(Method::Get, "/older").header_value("sunset"), None);
    assert_eq!(answer(Method::Post, "/old").header_value("deprecation"), None);
}
