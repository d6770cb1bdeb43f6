//! `edge`, `http-noop` and `http-noop-fresh`: a request that nothing is done for.

use anyhow::Result;

use super::{RowName, Settings, throughput::compare};
use crate::{host::Host, load::LoadOptions, process::Twin, report::Row};

/// What `tests/components/hello` and the twin answer at once.
pub(super) const TARGET: &str = "/hello/noop";

/// What the host's edge costs, with no component behind it.
pub(super) async fn edge(settings: &Settings) -> Result<Row> {
    let behind_edge = Twin::start(["noop"]).await?;
    let bare = Twin::start(["bare"]).await?;
    let (value, baseline) = (LoadOptions::get(behind_edge.address, TARGET), LoadOptions::get(bare.address, TARGET));
    compare(RowName::Edge, settings, &value, &baseline).await
}

/// What a component costs: `crate_name` is built from hello's code, with one manifest or another.
pub(super) async fn component(row: RowName, settings: &Settings, crate_name: &str) -> Result<Row> {
    let host = Host::start(settings.setup(&[crate_name])?).await?;
    let twin = Twin::start(["noop"]).await?;
    let (value, baseline) = (LoadOptions::get(host.public, TARGET), LoadOptions::get(twin.address, TARGET));
    compare(row, settings, &value, &baseline).await
}
