//! The control plane over HTTP, on a listener of its own: JSON in and out, a bearer token, problems for errors.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State as AxumState},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post, put},
};
use futures::Stream;
use http::{StatusCode, header};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio::sync::broadcast::error::RecvError;

use super::{Change, Control, ControlError, Grant, command_api, package, work_api};
use crate::{
    http::Problem,
    telemetry::{
        clock::rfc3339,
        logs::{self, LogFilter},
        metrics::Metrics,
        trace::TraceId,
    },
};

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) control: Arc<Control>,
    metrics: Metrics,
}

/// The router of the control listener. `token` is what a caller has to show.
pub fn router(control: Arc<Control>, metrics: Metrics, token: Arc<str>) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/components/{name}", get(component))
        .route("/v1/components/{name}/generations", get(history))
        .route("/v1/components/{name}/activate", post(activate))
        .route("/v1/components/{name}/rollback", post(rollback))
        .route("/v1/components/{name}/settings/{setting}", put(set_setting))
        .route("/v1/components/{name}/secrets", get(secrets))
        .route("/v1/components/{name}/secrets/{secret}", put(set_secret).get(reveal_secret))
        .route("/v1/deployments", post(deploy))
        .route("/v1/inspections", post(inspect))
        .route("/v1/logs", get(recent_logs))
        .route("/v1/logs/tail", get(tail_logs))
        .route("/v1/mail", get(mail))
        .merge(work_api::router())
        .route("/metrics", get(metrics_text))
        .layer(DefaultBodyLimit::max(package::MAX_SIZE + 1))
        .merge(command_api::router())
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "no-route", "Not found", "the control API has no such path")
        })
        .layer(middleware::from_fn_with_state(token, authorise))
        .with_state(Shared { control, metrics })
}

async fn authorise(AxumState(token): AxumState<Arc<str>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
    if bool::from(given.ct_eq(token.as_bytes())) {
        return next.run(request).await;
    }
    let mut refusal = Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorised",
        "The token is missing or wrong",
        "send `Authorization: Bearer TOKEN` with the token from the file control.token in the host's data folder",
    )
    .into_response();
    refusal.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    refusal
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        Problem::from(&self).into_response()
    }
}

async fn status(AxumState(shared): AxumState<Shared>) -> Result<impl IntoResponse, ControlError> {
    Ok(Json(shared.control.status().await?))
}

async fn component(
    AxumState(shared): AxumState<Shared>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ControlError> {
    Ok(Json(shared.control.component(&name).await?))
}

async fn history(
    AxumState(shared): AxumState<Shared>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ControlError> {
    Ok(Json(shared.control.history(&name).await?))
}

/// Who changes something, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    by: String,
    #[serde(default)]
    reason: String,
    /// For `activate`.
    generation: Option<u64>,
}

fn change(by: String, reason: String, what: &str) -> Result<Change, Problem> {
    if by.trim().is_empty() || by.chars().count() > 100 || reason.chars().count() > 500 {
        let detail = "`by` has 1 to 100 characters, and `reason` at most 500";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-change", "Who and why", detail));
    }
    let reason = if reason.trim().is_empty() { what.to_owned() } else { reason };
    Ok(Change { by, reason, may_break_clients: false })
}

async fn activate(
    AxumState(shared): AxumState<Shared>,
    Path(name): Path<String>,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Problem> {
    let Some(number) = body.generation else {
        let detail = "say which `generation` to activate";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-change", "Which generation", detail));
    };
    let change = change(body.by, body.reason, "activated")?;
    Ok(Json(shared.control.activate(name, number, change).await.map_err(|e| Problem::from(&e))?).into_response())
}

async fn rollback(
    AxumState(shared): AxumState<Shared>,
    Path(name): Path<String>,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Problem> {
    let change = change(body.by, body.reason, "rolled back")?;
    Ok(Json(shared.control.rollback(name, change).await.map_err(|e| Problem::from(&e))?).into_response())
}

#[derive(Deserialize)]
struct DeployQuery {
    by: String,
    #[serde(default)]
    reason: String,
    /// `all`, or asks separated by commas.
    grant: Option<String>,
    /// Whether clients of the component's HTTP API may break by it; the reason says why.
    #[serde(default)]
    allow_breaking: bool,
}

async fn deploy(
    AxumState(shared): AxumState<Shared>,
    Query(query): Query<DeployQuery>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let grant = match query.grant.as_deref() {
        None | Some("") => Grant::Nothing,
        Some("all") => Grant::All,
        Some(asks) => Grant::These(asks.split(',').map(|ask| ask.trim().to_owned()).collect()),
    };
    if query.allow_breaking && query.reason.trim().is_empty() {
        let detail = "what may break clients needs a `reason`";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-change", "Who and why", detail));
    }
    let mut change = change(query.by, query.reason, "deployed")?;
    change.may_break_clients = query.allow_breaking;
    let deployed = shared.control.deploy(bytes.into(), grant, change).await.map_err(|e| Problem::from(&e))?;
    Ok((StatusCode::CREATED, Json(deployed)).into_response())
}

async fn inspect(AxumState(shared): AxumState<Shared>, bytes: Bytes) -> Result<impl IntoResponse, ControlError> {
    Ok(Json(shared.control.inspect(bytes.into()).await?))
}

#[derive(Deserialize)]
struct Value {
    value: String,
}

async fn set_setting(
    AxumState(shared): AxumState<Shared>,
    Path((name, setting)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<StatusCode, ControlError> {
    shared.control.set_setting(&name, &setting, &body.value).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn secrets(
    AxumState(shared): AxumState<Shared>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ControlError> {
    shared.control.history(&name).await?;
    let secrets = shared.control.platform().secrets.list(&name).await;
    Ok(Json(secrets.map_err(|e| ControlError::Internal(e.to_string()))?))
}

async fn set_secret(
    AxumState(shared): AxumState<Shared>,
    Path((name, secret)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<StatusCode, ControlError> {
    if body.value.is_empty() || body.value.len() > 64 << 10 {
        return Err(ControlError::Refused("a secret has 1 byte to 64 KiB".to_owned()));
    }
    let set = shared.control.platform().secrets.set(&name, &secret, &body.value).await;
    set.map_err(|e| ControlError::Internal(e.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reveal_secret(
    AxumState(shared): AxumState<Shared>,
    Path((name, secret)): Path<(String, String)>,
) -> Result<impl IntoResponse, ControlError> {
    let value = shared.control.platform().secrets.get(&name, &secret).await;
    let value = value.map_err(|e| ControlError::Internal(e.to_string()))?;
    let value = value.ok_or_else(|| ControlError::Refused(format!("{name} has no secret {secret:?} that is set")))?;
    Ok(Json(serde_json::json!({ "value": value.as_str() })))
}

#[derive(Deserialize)]
struct LogQuery {
    component: Option<String>,
    level: Option<logs::Level>,
    trace: Option<String>,
    limit: Option<usize>,
}

impl LogQuery {
    fn filter(self) -> Result<LogFilter, Problem> {
        let malformed = |_| {
            let detail = "a trace id has 32 hexadecimal digits";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-trace", "No trace id", detail)
        };
        let trace = self.trace.map(|hex| TraceId::parse(&hex).ok_or(())).transpose().map_err(malformed)?;
        Ok(LogFilter { component: self.component, level: self.level, trace })
    }
}

async fn recent_logs(
    AxumState(shared): AxumState<Shared>,
    Query(query): Query<LogQuery>,
) -> Result<impl IntoResponse, Problem> {
    let limit = query.limit.unwrap_or(100).min(10_000);
    let records = shared.control.platform().logs.recent(&query.filter()?, limit);
    let mut lines = String::new();
    for record in records {
        lines.push_str(&record.to_json());
        lines.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines))
}

async fn tail_logs(
    AxumState(shared): AxumState<Shared>,
    Query(query): Query<LogQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let filter = query.filter()?;
    let records = shared.control.platform().logs.subscribe();
    let lines = futures::stream::unfold((records, filter), |(mut records, filter)| async move {
        loop {
            let event = match records.recv().await {
                Ok(record) if filter.fits(&record) => Event::default().data(record.to_json()),
                Ok(_) => continue,
                Err(RecvError::Lagged(missed)) => Event::default().comment(format!("{missed} records were missed")),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok(event), (records, filter)));
        }
    });
    Ok(Sse::new(lines).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

#[derive(Deserialize)]
struct MailQuery {
    to: Option<String>,
    limit: Option<u32>,
}

async fn mail(
    AxumState(shared): AxumState<Shared>,
    Query(query): Query<MailQuery>,
) -> Result<impl IntoResponse, ControlError> {
    let limit = query.limit.unwrap_or(20).clamp(1, 200);
    let entries = shared.control.platform().mailer.mailbox().recent(query.to.as_deref(), limit).await?;
    let entries: Vec<_> = entries
        .into_iter()
        .map(|mail| {
            serde_json::json!({
                "id": mail.id, "component": mail.component, "sent_at": rfc3339(mail.sent_at), "to": mail.message.to,
                "subject": mail.message.subject, "text": mail.message.text, "html": mail.message.html,
            })
        })
        .collect();
    Ok(Json(entries))
}

async fn metrics_text(AxumState(shared): AxumState<Shared>) -> Result<String, ControlError> {
    shared.metrics.encode().map_err(|e| ControlError::Internal(e.to_string()))
}
