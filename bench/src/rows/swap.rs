//! `swap`: what requests see of a component that is deployed anew while they are under way.

use std::{
    cell::{Cell, RefCell},
    fs,
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::time::{MissedTickBehavior, interval};

use super::{RowName, Settings, noop, throughput::Loads};
use crate::{
    host::{self, Host},
    load::{LoadOptions, LoadReport},
    measure::{Summary, interleave},
    report::{Row, figure},
};

/// How long from one deployment to the next.
const PERIOD: Duration = Duration::from_millis(300);

/// The component that is deployed again and again.
const COMPONENT: &str = "case-hello";

/// How many rounds there are with files that are compiled first.
const COLD_ROUNDS: usize = 3;

pub(super) async fn measure(settings: &Settings) -> Result<Row> {
    let file = host::component(&settings.components()?, COMPONENT);
    let component = fs::read(&file).with_context(|| file.display().to_string())?;
    let swapping = Swapping {
        host: Host::start(settings.setup(&[COMPONENT])?).await?,
        settings,
        loads: RefCell::default(),
        swaps: Cell::new(0),
    };

    // Both are compiled before anything is measured.
    let (even, odd) = (variant(&component, 0), variant(&component, 1));
    swapping.host.deploy(&even).await?;
    swapping.host.deploy(&odd).await?;
    let alternate = |n: u32| if n.is_multiple_of(2) { even.clone() } else { odd.clone() };
    let warm = interleave(
        settings.rounds,
        async || swapping.p99_while_deploying(alternate).await,
        async || swapping.p99().await,
    )
    .await?;
    let warm_swaps = swapping.swaps.replace(0);

    let fresh = |n: u32| variant(&component, 2 + n);
    let rounds = settings.rounds.min(COLD_ROUNDS);
    let cold =
        interleave(rounds, async || swapping.p99_while_deploying(fresh).await, async || swapping.p99().await).await?;
    let cold = Summary::of(&cold)?;

    let row = Row::new(RowName::Swap, "ms", Summary::of(&warm)?)
        .note(format!("{warm_swaps} swaps between two files that were compiled before"))
        .note(format!(
            "{} swaps to files that are compiled first: p99 {} ms, ratio {}",
            swapping.swaps.get(),
            figure(cold.value),
            figure(cold.ratio)
        ));
    Ok(swapping.loads.into_inner().report_failures("", row))
}

/// A host under load.
struct Swapping<'a> {
    host: Host,
    settings: &'a Settings,
    loads: RefCell<Loads>,
    swaps: Cell<u32>,
}

impl Swapping<'_> {
    /// The 99th percentile in milliseconds.
    async fn p99(&self) -> Result<f64> {
        let report: LoadReport = self.settings.load(&LoadOptions::get(self.host.public, noop::TARGET)).await?;
        Ok(self.loads.borrow_mut().keep(report).latency.p99 / 1e3)
    }

    /// The same while files are deployed, each the one that `file` makes of the number of swaps so far.
    async fn p99_while_deploying(&self, file: impl Fn(u32) -> Vec<u8>) -> Result<f64> {
        let over = Cell::new(false);
        let load = async {
            let p99 = self.p99().await;
            over.set(true);
            p99
        };
        let deploying = async {
            let mut period = interval(PERIOD);
            period.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !over.get() {
                period.tick().await;
                self.host.deploy(&file(self.swaps.get())).await?;
                self.swaps.set(self.swaps.get() + 1);
            }
            anyhow::Ok(())
        };
        let (p99, deployed) = tokio::join!(load, deploying);
        deployed?;
        p99
    }
}

/// The same component as another file: with a custom section at its end that nobody reads.
fn variant(component: &[u8], number: u32) -> Vec<u8> {
    const NAME: &[u8] = b"bench:variant";
    let number = number.to_le_bytes();
    let mut file = component.to_vec();
    // A section: its id (0, custom), its size, and in it the name with its length before the content. Both sizes are below
    // 128, so one byte each in LEB128.
    file.extend([0, (1 + NAME.len() + number.len()) as u8, NAME.len() as u8]);
    file.extend(NAME);
    file.extend(number);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_component_are_components_with_a_section_more() {
        // The header of a component, and nothing in it.
        let component = b"\0asm\x0d\0\x01\0";
        let file = variant(component, 258);
        assert_eq!(&file, b"\0asm\x0d\0\x01\0\0\x12\x0dbench:variant\x02\x01\0\0");
        assert_ne!(variant(component, 1), variant(component, 2));
    }
}
