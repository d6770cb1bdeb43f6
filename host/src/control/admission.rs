//! Admission: everything about a file that can be refused while nothing has changed.

use super::{
    Change, Control, ControlError, Grant,
    assembly::Linked,
    package::Package,
    read,
    records::{NewGeneration, State},
};
use crate::registry::{Candidate, Conflict, Table};

/// A file that may be deployed.
pub(super) struct Admitted {
    pub(super) linked: Linked,
    /// What is granted by this deployment.
    pub(super) asks: Vec<String>,
    /// What breaks clients of its HTTP API, and was allowed to.
    pub(super) breaks: Vec<String>,
}

impl Change {
    /// The same change, with a reason that says what was allowed to break.
    pub(super) fn breaking(&self, breaks: &[String]) -> Self {
        let mut change = self.clone();
        if let [first, others @ ..] = breaks {
            let more = if others.is_empty() { String::new() } else { format!("; and {} more", others.len()) };
            change.reason = format!("{} (clients may break: {first}{more})", change.reason);
        }
        change
    }
}

impl Control {
    /// Everything that can be refused without changing anything.
    pub(super) async fn admit(
        &self,
        package: &Package,
        grant: &Grant,
        change: &Change,
    ) -> Result<Admitted, ControlError> {
        let asks = self.granted(package, grant).await?;
        let breaks = self.breaks(package).await?;
        if !breaks.is_empty() && !change.may_break_clients {
            return Err(ControlError::BreaksClients {
                component: package.manifest.name.to_string(),
                version: package.version.clone(),
                breaks,
            });
        }
        for one in &breaks {
            tracing::warn!("{} {} is allowed to break clients: {one}", package.manifest.name.as_str(), package.version);
        }
        let linked = self.assembly.link(package).await?;
        self.fits(package, &linked)?;
        if let Some(set) = &package.migrations {
            self.platform().database.check(set).await?;
        }
        Ok(Admitted { linked, asks, breaks })
    }

    /// What in a file's HTTP API breaks clients of the active generation's. Going back to an earlier generation is never asked
    /// this: it must always be possible.
    async fn breaks(&self, package: &Package) -> Result<Vec<String>, ControlError> {
        let component = package.manifest.name.as_str();
        let active = self.records.active().await?.into_iter().find(|active| active.component == component);
        let Some(active) = active.filter(|active| active.sha256 != package.hash.to_hex()) else {
            return Ok(Vec::new());
        };
        let old = match read(self.records.artifact(&active.sha256).await?).await {
            Ok(active) => active.openapi,
            Err(error) => {
                tracing::warn!("what {component} {} says of its HTTP API can't be read: {error}", active.number);
                None
            }
        };
        let Some(old) = old else { return Ok(Vec::new()) };
        let Some(new) = package.openapi.clone() else {
            return Ok(vec!["the document of its HTTP API is gone".to_owned()]);
        };
        let compared = tokio::task::spawn_blocking(move || old.breaks(&new, datamp_openapi::now())).await;
        let breaks = compared.map_err(|_| ControlError::Internal("two documents were not compared".to_owned()))?;
        Ok(breaks.iter().map(ToString::to_string).collect())
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

    /// Whether a package fits what is active.
    pub(super) fn fits(&self, package: &Package, linked: &Linked) -> Result<(), ControlError> {
        let conflict = self.registry.table().check(&candidate(package, linked));
        conflict.map_err(|conflict| in_the_way(package, conflict))
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

/// Whether nobody in a table has what a package wants for itself. What it needs of others may be still to come.
pub(super) fn is_free(package: &Package, linked: &Linked, table: &Table) -> Result<(), ControlError> {
    table.is_free(&candidate(package, linked)).map_err(|conflict| in_the_way(package, conflict))
}

fn candidate<'a>(package: &'a Package, linked: &'a Linked) -> Candidate<'a> {
    let manifest = &package.manifest;
    Candidate {
        name: manifest.name.as_str(),
        routes: &manifest.routes,
        exports: &linked.exports,
        links: &linked.links,
        merge: &manifest.merge,
    }
}

fn in_the_way(package: &Package, conflict: Conflict) -> ControlError {
    let manifest = &package.manifest;
    ControlError::Conflict { component: manifest.name.to_string(), version: manifest.version.to_string(), conflict }
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
