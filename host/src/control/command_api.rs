//! The part of the control API about commands of components.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};

use super::{
    api::Shared,
    commands::{CommandInfo, StepAnswer, StepRequest},
};
use crate::http::Problem;

/// The longest body: arguments and a state, with room for how JSON escapes them.
const LONGEST_BODY: usize = 2 << 20;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v1/components/{name}/commands", get(commands))
        .route("/v1/components/{name}/commands/{command}", post(step))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
}

async fn commands(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Json<Vec<CommandInfo>>, Problem> {
    shared.control.commands(&name).await.map(Json).map_err(|failure| Problem::from(&failure))
}

async fn step(
    State(shared): State<Shared>,
    Path((name, command)): Path<(String, String)>,
    Json(request): Json<StepRequest>,
) -> Result<Json<StepAnswer>, Problem> {
    shared.control.step(&name, command, request).await.map(Json).map_err(|failure| Problem::from(&failure))
}
