//! Admission: everything about a file that can be refused while nothing has changed.

use super::{
    Change, Control, ControlError, Grant,
    assembly::Linked,
    package::Package,
    records::{NewGeneration, State},
};
use crate::registry::Candidate;

impl Control {
    /// Everything that can be refused without changing anything.
    pub(super) async fn admit(&self, package: &Package, grant: &Grant) -> Result<(Linked, Vec<String>), ControlError> {
        let asks = self.granted(package, grant).await?;
        let linked = self.assembly.link(package).await?;
        self.fits(package, &linked)?;
        if let Some(set) = &package.migrations {
            self.platform().database.check(set).await?;
        }
        Ok((linked, asks))
    }

    /// The asks that are granted by this deployment, if together with earlier grants nothing is missing.
    async fn granted(&self, package: &Package, grant: &Grant) -> Result<Vec<String>, ControlError> {
        let component = package.manifest.name.as_str();
        let asks = package.manifest.asks();
        let earlier = self.records.grants(component).await?;
        let (granted, missing): (Vec<_>, Vec<_>) =
            asks.into_iter().filter(|ask| !earlier.contains(ask)).partition(|ask| match grant {
                Grant::Nothing => false,
                Grant::All => true,
                Grant::These(these) => these.contains(ask),
            });
        if missing.is_empty() {
            Ok(granted)
        } else {
            Err(ControlError::NotGranted { component: component.to_owned(), asks: missing })
        }
    }

    pub(super) fn fits(&self, package: &Package, linked: &Linked) -> Result<(), ControlError> {
        let manifest = &package.manifest;
        let candidate = Candidate {
            name: manifest.name.as_str(),
            routes: &manifest.routes,
            exports: &linked.exports,
            links: &linked.links,
        };
        self.registry.table().check(&candidate).map_err(|conflict| ControlError::Conflict {
            component: manifest.name.to_string(),
            version: manifest.version.to_string(),
            conflict,
        })
    }

    /// Keeps the reason of a refusal in the component's history. The file itself is not kept.
    pub(super) async fn remember(&self, package: &Package, error: &ControlError, change: &Change) {
        let state = if error.is_rejection() { State::Rejected } else { State::Failed };
        let (sha256, reason) = (package.hash.to_hex(), error.to_string());
        let new = new_record(package, &sha256, state, Some(&reason), change);
        if let Err(error) = self.records.insert(&new).await {
            tracing::error!("a refusal can't be recorded: {error}");
        }
    }
}

pub(super) fn new_record<'a>(
    package: &'a Package,
    sha256: &'a str,
    state: State,
    reason: Option<&'a str>,
    change: &'a Change,
) -> NewGeneration<'a> {
    let size = package.bytes.len();
    let (component, by) = (package.manifest.name.as_str(), change.by.as_str());
    NewGeneration { component, version: &package.version, sha256, size, state, reason, by }
}
