//! The part of the control API about deferred work: events and jobs that wait or are dead, and schedules.

use axum::{
    Json, Router,
    extract::{Query, State},
    response::IntoResponse,
    routing::{get, post},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{ControlError, api::Shared};
use crate::{
    http::Problem,
    work::{Kind, Letter, LetterFilter},
};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v1/events", get(events))
        .route("/v1/events/replay", post(replay_events))
        .route("/v1/jobs", get(jobs))
        .route("/v1/jobs/replay", post(replay_jobs))
        .route("/v1/schedules", get(schedules))
}

async fn events(
    State(shared): State<Shared>,
    Query(filter): Query<LetterFilter>,
) -> Result<Json<Vec<Letter>>, ControlError> {
    Ok(Json(shared.control.platform().work.letters(Kind::Event, &filter).await?))
}

async fn jobs(
    State(shared): State<Shared>,
    Query(filter): Query<LetterFilter>,
) -> Result<Json<Vec<Letter>>, ControlError> {
    Ok(Json(shared.control.platform().work.letters(Kind::Job, &filter).await?))
}

async fn schedules(State(shared): State<Shared>) -> Result<impl IntoResponse, ControlError> {
    Ok(Json(shared.control.platform().work.schedules().await?))
}

/// Which dead letters: one by its `id`, or all of a `component`, of one `name` if that is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    id: Option<String>,
    component: Option<String>,
    name: Option<String>,
}

#[derive(Serialize)]
struct Replayed {
    replayed: u64,
}

async fn replay_events(State(shared): State<Shared>, Json(which): Json<Replay>) -> Result<Json<Replayed>, Problem> {
    replay(&shared, Kind::Event, which).await
}

async fn replay_jobs(State(shared): State<Shared>, Json(which): Json<Replay>) -> Result<Json<Replayed>, Problem> {
    replay(&shared, Kind::Job, which).await
}

async fn replay(shared: &Shared, kind: Kind, which: Replay) -> Result<Json<Replayed>, Problem> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (id, component, name) = (text(&which.id), text(&which.component), text(&which.name));
    if id.is_empty() && component.is_empty() {
        let detail = "say which: an `id`, or a `component` and perhaps a `name`";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-replay", "Replay what", detail));
    }
    let replayed = shared.control.platform().work.replay(kind, &component, &name, &id).await;
    let replayed = replayed.map_err(|error| Problem::from(&ControlError::from(error)))?;
    if replayed == 0 && !id.is_empty() {
        let detail = format!("there is no dead letter {id:?}, or something newer has taken its place");
        return Err(Problem::new(StatusCode::NOT_FOUND, "no-dead-letter", "No such dead letter", &*detail));
    }
    Ok(Json(Replayed { replayed }))
}
