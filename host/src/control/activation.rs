//! From an admitted file to the active generation, and from a retired one back.

use std::{sync::Arc, time::Duration};

use super::{
    Announcement, Change, Control, ControlError, GenerationRecord, admission::new_record, assembly::Linked,
    package::Package, read, records::State,
};
use crate::{capabilities::Platform, engine::CallContext, manifest::RoutePrefix, registry::Generation, work::Kind};

/// What a generation may take beyond its own deadline until it has drained.
const DRAIN_GRACE: Duration = Duration::from_secs(5);
impl Control {
    /// Keeps an admitted file, gives it what it was granted, and starts it once.
    pub(super) async fn introduce(
        &self,
        package: &Package,
        linked: Linked,
        asks: &[String],
        change: &Change,
    ) -> Result<(Arc<Generation>, Vec<Announcement>), ControlError> {
        let manifest = &package.manifest;
        let name = manifest.name.as_str();
        let sha256 = package.hash.to_hex();
        self.records.keep_artifact(&sha256, &package.bytes).await?;
        let new = new_record(package, &sha256, State::Admitted, None, change);
        let number = self.records.insert(&new).await?;
        let made = async {
            self.records.grant(name, asks, &change.by).await?;
            if let Some(set) = &package.migrations {
                self.platform().database.migrate(set).await?;
            }
            let secrets = &self.platform().secrets;
            let generated =
                secrets.ensure_generated(name, manifest).await.map_err(|e| ControlError::Internal(e.to_string()))?;
            let announcements = generated.into_iter().map(|secret| Announcement {
                component: name.to_owned(),
                name: secret.name,
                description: secret.description,
                value: secret.value.to_string(),
            });
            let generation = self.assembly.assemble(package, linked, number, &self.records).await?;
            probe(&generation).await?;
            Ok((generation, announcements.collect()))
        };
        let made: Result<_, ControlError> = made.await;
        if let Err(error) = &made {
            self.records.set_state(name, number, State::Failed, Some(&error.to_string())).await?;
        }
        made
    }

    /// The swap. From here on new requests go to the generation; those under way finish where they are.
    pub(super) async fn put_in_place(&self, generation: &Arc<Generation>, change: &Change) -> Result<(), ControlError> {
        let name = generation.name();
        let table = self.registry.table();
        let old = table.active().get(name).cloned();
        let does_jobs = generation.takes(Kind::Job);
        let queue = &self.platform().work;
        queue.allow(generation.manifest(), does_jobs).await?;
        // The records first: should the host end in between, it comes back with what was asked for.
        self.records.activate(name, generation.number(), &change.by, &change.reason).await?;
        self.registry.replace(table.with(Arc::clone(generation)));
        self.broken.lock().remove(name.as_ref());
        // Should the host end in between, it makes good for them when it starts.
        if let Err(error) = queue.expand(generation.manifest(), does_jobs).await {
            tracing::error!(
                "subscriptions and schedules of {name} can't be begun before the host starts again: {error}"
            );
        }
        if let Err(error) = queue.end(generation.manifest()).await {
            tracing::error!("subscriptions and schedules of {name} that it no longer names can't be ended: {error}");
        }
        queue.look();
        if let Some(old) = old {
            self.drain(old);
        }
        Ok(())
    }

    /// Lets a generation finish in the background.
    fn drain(&self, old: Arc<Generation>) {
        let records = self.records.clone();
        let metrics = self.metrics.clone();
        let platform = Arc::clone(self.platform());
        let registry = self.registry.clone();
        let (changing, draining) = (Arc::clone(&self.changing), Arc::clone(&self.draining));
        draining.begin(old.name());
        tokio::spawn(async move {
            let limit = old.deadline() + DRAIN_GRACE;
            let mut note = None;
            if tokio::time::timeout(limit, old.in_flight().drained()).await.is_err() {
                let left = old.in_flight().count();
                note = Some(format!("{left} calls had not finished after {} s and were ended", limit.as_secs()));
                tracing::warn!("{} {}: {}", old.name(), old.number(), note.as_deref().unwrap_or_default());
                old.kill();
            }
            old.clear();
            let (name, number) = (Arc::clone(old.name()), old.number());
            // Nothing is brought back meanwhile, nor is what the next one may do taken back while it comes into its place.
            let _changing = changing.lock().await;
            let active = registry.table().active().get(&name).cloned();
            // Brought back in the meantime, the same number runs again as another generation.
            if active.as_ref().is_none_or(|active| active.number() != number) {
                metrics.forget(&name, number);
                if let Err(error) = records.retire(&name, number, note.as_deref()).await {
                    tracing::error!("{name} {number} has retired, and that can't be recorded: {error}");
                }
            }
            // An older one may take longer, and needs what it was granted until then.
            if draining.end(&name)
                && let Some(active) = active
            {
                settle(&platform, &active).await;
            }
        });
    }

    pub(super) async fn bring_back(
        &self,
        record: &GenerationRecord,
        change: &Change,
    ) -> Result<GenerationRecord, ControlError> {
        let component = &record.component;
        match record.state {
            State::Active if self.registry.table().active().contains_key(component.as_str()) => {
                return Err(ControlError::Refused(format!(
                    "generation {} of {component} is active already",
                    record.number
                )));
            }
            State::Rejected | State::Failed => {
                return Err(ControlError::Refused(format!(
                    "generation {} of {component} was {}, and can't be activated: deploy a corrected file",
                    record.number,
                    if record.state == State::Rejected { "rejected" } else { "failed" },
                )));
            }
            _ => {}
        }
        let generation = self.restart(record, |package, linked| self.fits(package, linked)).await?;
        self.put_in_place(&generation, change).await?;
        self.record(component, record.number).await
    }

    /// A generation that was deployed before, made ready again, unless `check` finds that it does not fit.
    pub(super) async fn restart(
        &self,
        record: &GenerationRecord,
        check: impl FnOnce(&Package, &Linked) -> Result<(), ControlError>,
    ) -> Result<Arc<Generation>, ControlError> {
        let package = read(self.records.artifact(&record.sha256).await?).await?;
        let linked = self.assembly.link(&package).await?;
        check(&package, &linked)?;
        let generation = self.assembly.assemble(&package, linked, record.number, &self.records).await?;
        probe(&generation).await?;
        Ok(generation)
    }

    /// The prefixes of a generation that does not start; none where its file can't be read.
    pub(super) async fn routes(&self, record: &GenerationRecord) -> Vec<RoutePrefix> {
        let routes =
            async { Ok::<_, ControlError>(read(self.records.artifact(&record.sha256).await?).await?.manifest.routes) };
        routes.await.unwrap_or_default()
    }
}

/// Takes back what the active generation of a component does not name. No other one of it runs any more.
pub(super) async fn settle(platform: &Platform, active: &Generation) {
    let (name, manifest) = (active.name(), active.manifest());
    if let Err(error) = platform.database.settle(name, &manifest.database).await {
        tracing::error!("rights of {name} that are no longer asked for can't be taken back: {error}");
    }
    if let Err(error) = platform.work.revoke(manifest, active.takes(Kind::Job)).await {
        tracing::error!("topics of {name} that are no longer asked for can't be taken back: {error}");
    }
}

async fn probe(generation: &Generation) -> Result<(), ControlError> {
    // A request that needs a new instance gets it within the same deadline.
    let call = CallContext::idle(tokio::time::Instant::now() + generation.deadline());
    generation.probe(call).await.map_err(ControlError::Probe)
}
