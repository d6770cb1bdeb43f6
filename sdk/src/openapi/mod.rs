//! An API's document, OpenAPI 3.1, drawn from the code that serves it.
//!
//! What the types of a handler tell goes into the document by itself: parameters, bodies, who may call, the answer, each with
//! its JSON Schema (derive [`schemars::JsonSchema`](https://docs.rs/schemars)). What types can't tell is said where the route
//! is added: a name, a line of summary, which problems it answers.
//!
//! ```
//! use datamp_sdk::openapi::{Api, Document};
//! use datamp_sdk::prelude::*;
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct NewNote {
//!     /// What is to be remembered.
//!     text: String,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Note {
//!     id: String,
//!     text: String,
//! }
//!
//! fn add(_: Bearer, Json(new): Json<NewNote>) -> Result<Created<Note>, Problem> {
//!     Ok(Created(Note { id: datamp_sdk::id::new("note"), text: new.text }))
//! }
//!
//! fn routes(router: &mut Router) {
//!     let mut api = Api::new(router);
//!     api.tag("Notes", "What is to be remembered.");
//!     api.post("/notes/v1/notes", add)
//!         .id("addNote")
//!         .summary("Add a note")
//!         .problem(409, "too-many-notes", "There are a thousand notes already.");
//! }
//!
//! let document = Document::new("Notes", "1.0.0").of(routes).expect("every route is described");
//! assert_eq!(document["paths"]["/notes/v1/notes"]["post"]["operationId"], "addNote");
//! ```
//!
//! To describe a route:
//!
//! 1. derive `JsonSchema` on the types of its body, query and answer. The comments of types and fields become their
//!    descriptions. A newtype with rules of its own implements it by hand, beside the rules;
//! 2. add it by [`Api`] rather than by the [`Router`](crate::Router), and give it an `id`, a `summary` and its problems;
//! 3. where the compiler says that an answer is not described, let the handler say what it answers: `Json<T>`, `Created<T>`,
//!    [`As<…>`](As) for a response that is made by hand;
//! 4. write the document anew (in this project `cargo xtask openapi`), and commit it.
//!
//! [`Document::of`] refuses, with the reason, an API of which a route is missing, or an operation without an id or a summary: a
//! test that draws the document and compares it with the committed one keeps both true. Enumerations that may grow in answers
//! are marked by `#[schemars(extend("x-open-enum" = true))]`: clients are to take values that they don't know.
//!
//! Nothing of this is in a component that is built for WebAssembly: what is served is the committed document.

mod answers;
mod api;
mod document;
mod draft;
mod extractors;
mod handlers;
mod schemas;
#[cfg(test)]
mod tests;

pub use answers::{As, DescribeAnswer};
pub use api::{Api, Operation};
pub use document::{Document, Faults};
pub use draft::Description;
pub(crate) use draft::Draft;
pub use extractors::DescribeRequest;
pub use handlers::Described;
