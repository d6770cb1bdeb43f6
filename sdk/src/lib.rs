//! What the author of a DataMP component writes against: plain functions from requests to responses, SQL, outgoing HTTP,
//! logs. No `unsafe`, no generated names, no `async`.
//!
//! A component is a crate of type `cdylib`, a manifest beside its `Cargo.toml`, and this:
//!
//! ```no_run
//! use datamp_sdk::{id, prelude::*};
//! use serde::{Deserialize, Serialize};
//!
//! # #[cfg(any())]
//! datamp_sdk::service!("component.toml", routes);
//!
//! fn routes(router: &mut Router) {
//!     router
//!         .get("/notes/v1/notes", list)
//!         .post("/notes/v1/notes", add)
//!         .get("/notes/v1/notes/{id}", one);
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Note {
//!     id: String,
//!     text: String,
//!     created_at: Timestamp,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct NewNote {
//!     text: String,
//! }
//!
//! #[derive(Deserialize)]
//! struct Page {
//!     limit: Option<u32>,
//! }
//!
//! fn list(Query(page): Query<Page>) -> Result<Json<Vec<Note>>, Problem> {
//!     let limit = page.limit.unwrap_or(50).min(200);
//!     let notes = database::query(
//!         "SELECT id, text, created_at FROM note ORDER BY id DESC LIMIT $1",
//!         params![limit],
//!     )?;
//!     Ok(Json(notes))
//! }
//!
//! fn one(Path(id): Path<String>) -> Result<Json<Note>, Problem> {
//!     database::query_optional("SELECT id, text, created_at FROM note WHERE id = $1", params![id])?
//!         .map(Json)
//!         .ok_or_else(|| Problem::not_found("There is no such note."))
//! }
//!
//! fn add(Bearer(token): Bearer, Json(new): Json<NewNote>) -> Result<Created<Note>, Problem> {
//!     if token != datamp_sdk::secrets::reveal("writer-token")? {
//!         return Err(Problem::unauthorized("The token is not valid."));
//!     }
//!     if new.text.is_empty() {
//!         return Err(Problem::unprocessable("A note has a text.").field("text", "must not be empty"));
//!     }
//!     let note = Note { id: id::new("note"), text: new.text, created_at: Timestamp::now() };
//!     database::transaction(|tx| {
//!         tx.execute(
//!             "INSERT INTO note (id, text, created_at) VALUES ($1, $2, $3)",
//!             params![note.id, note.text, note.created_at],
//!         )
//!     })?;
//!     log::info!("a note was added"; note = note.id);
//!     Ok(Created(note))
//! }
//! # fn main() {}
//! ```
//!
//! - [`Router`]: paths and methods. [`extract`]: what handlers take. [`response`]: what they answer. [`Problem`]: errors.
//! - [`openapi`]: the API's document, drawn from the routes.
//! - [`messaging`], [`jobs`]: events, and work that is done later; [`Failure`]. [`operator`]: commands for operators.
//! - [`database`]: SQL with parameters, typed rows, transactions. [`http`]: requests to others. [`mail`].
//! - [`config`], [`secrets`], [`environment`]: what the component was given. [`crypto`]: passwords, tokens, signatures.
//!   [`limits`]: how often something may be done.
//! - [`log`], [`time`], [`id`].
//!
//! A component imports only the interfaces of what it calls; besides WASI and the log, which tells of panics, nothing is
//! there unasked. Its logic is tested natively through [`Router::handle`]: what needs a host (the database, say) panics
//! there, the rest works.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

#[doc(hidden)]
pub mod bindings;

pub mod config;
pub mod cookies;
pub mod crypto;
pub mod database;
mod deferred;
pub mod deployments;
pub mod environment;
pub mod extract;
mod failure;
mod fault;
pub mod handler;
pub mod http;
pub mod id;
pub mod jobs;
pub mod limits;
pub mod log;
pub mod mail;
pub mod messaging;
pub mod openapi;
pub mod operator;
mod problem;
mod request;
pub mod response;
mod router;
pub mod secrets;
mod service;
pub mod time;

pub use cookies::{Cookies, SetCookie};
pub use extract::{
    Bearer, Body, ClientAddress, Form, FromRequest, Headers, IdempotencyKey, InvalidIdempotencyKey, Path, Query,
    RequestId,
};
pub use failure::Failure;
pub use messaging::Event;
pub use problem::Problem;
pub use request::{Method, Params, Request};
pub use response::{Created, Html, IntoResponse, Json, NoContent, Redirect, Response, Text};
pub use router::Router;
#[doc(hidden)]
pub use service::__private;
pub use time::Timestamp;

/// What most components need: `use datamp_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::database;
    pub use crate::{
        Bearer, Body, ClientAddress, Cookies, Created, Form, FromRequest, Headers, Html, IdempotencyKey, IntoResponse,
        Json, Method, NoContent, Params, Path, Problem, Query, Redirect, Request, RequestId, Response, Router,
        SetCookie, Text, Timestamp, log, params,
    };
}
