//! `cold-start`: how long a host takes until it serves, with four components that were compiled before.

use std::cell::RefCell;

use anyhow::{Context, Result, ensure};

use super::{RowName, Settings, noop};
use crate::{
    host::Host,
    http::{self, Request},
    measure::{Summary, interleave},
    process::Twin,
    report::Row,
};

const COMPONENTS: &[&str] =
    &["datamp-sandbox-payments", "datamp-core", "datamp-communication", "datamp-gate", "datamp-admin"];

/// A path of a component: answered 401 by it, and 404 by a host that lacks it.
const SERVED: &str = "/core/v1/balance";

pub(super) async fn measure(settings: &Settings) -> Result<Row> {
    // The first start compiles and deploys them.
    let host = Host::start(settings.setup(COMPONENTS)?).await?;
    let first = host.started_in.as_secs_f64();
    let host = RefCell::new(Some(host));
    let rounds = interleave(
        settings.rounds,
        async || {
            let running = host.take().context("the host is gone")?;
            let started = running.restart().await?;
            let request = Request::new("GET", &started.public.to_string(), SERVED, &[], b"");
            let (status, _) = http::send(started.public, &request).await?;
            ensure!(status == 401, "{SERVED} was answered {status} by the host that is ready");
            let took = started.started_in.as_secs_f64();
            host.replace(Some(started));
            Ok(took)
        },
        async || Ok(Twin::start_and_ask(["noop"], noop::TARGET).await?.as_secs_f64()),
    )
    .await?;
    Ok(Row::new(RowName::ColdStart, "s", Summary::of(&rounds)?)
        .note(format!("the first start, which compiles and deploys the four components: {first:.1} s")))
}
