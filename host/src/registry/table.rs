//! One consistent answer to who serves what.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Generation, routes::Routes};
use crate::{
    engine::interface::{self, InterfaceKey},
    manifest::{Merge, RoutePrefix},
};

/// The active generations, and what follows from them.
#[derive(Default)]
pub struct Table {
    active: BTreeMap<Arc<str>, Arc<Generation>>,
    down: Down,
    routes: Routes<Route>,
    providers: HashMap<InterfaceKey, Arc<Generation>>,
}

/// Components that are to be active and are not running, with the prefixes that are theirs.
pub type Down = BTreeMap<Arc<str>, Vec<RoutePrefix>>;

/// Where a path leads.
#[derive(Clone)]
pub enum Route {
    /// To the generation that serves it.
    Up(Arc<Generation>),
    /// To a component, by its name, that is not running.
    Down(Arc<str>),
}

/// Why a generation can't become active beside the others.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum Conflict {
    /// Another component serves the same prefix.
    #[error("the route {route} belongs to {component}")]
    Route {
        /// The prefix.
        route: String,
        /// Its owner.
        component: Arc<str>,
    },
    /// Another component exports the same interface.
    #[error("{interface} is already provided by {component}")]
    Export {
        /// The interface.
        interface: String,
        /// Its owner.
        component: Arc<str>,
    },
    /// An active component needs an interface that this generation no longer exports, or exports otherwise.
    #[error("{component} needs {interface}, and {problem}")]
    Needed {
        /// The interface.
        interface: String,
        /// Who needs it.
        component: Arc<str>,
        /// What is missing or different.
        problem: String,
    },
    /// Nobody exports an interface that this generation needs, or not with the functions it needs.
    #[error("it imports {interface}: {problem}")]
    Missing {
        /// The interface.
        interface: String,
        /// What is missing or different.
        problem: String,
    },
}

impl Table {
    /// The active generation of every component, by name.
    #[must_use]
    pub fn active(&self) -> &BTreeMap<Arc<str>, Arc<Generation>> {
        &self.active
    }

    /// Where a path leads: to the component with the longest prefix that covers it.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<&Route> {
        self.routes.find(path)
    }

    /// The generation that exports an interface.
    #[must_use]
    pub fn provider(&self, key: &InterfaceKey) -> Option<&Arc<Generation>> {
        self.providers.get(key)
    }

    /// The table with a generation in place of its component's active one.
    #[must_use]
    pub fn with(&self, generation: Arc<Generation>) -> Self {
        let mut active = self.active.clone();
        active.insert(Arc::clone(generation.name()), generation);
        Self::of(active, self.down.clone())
    }

    /// The table of a set of active generations. What is down and has become active is down no longer.
    #[must_use]
    pub fn of(active: BTreeMap<Arc<str>, Arc<Generation>>, mut down: Down) -> Self {
        down.retain(|name, _| !active.contains_key(name));
        let up = active
            .values()
            .flat_map(|g| g.manifest().routes.iter().map(move |route| (route.clone(), Route::Up(Arc::clone(g)))));
        let not_up = down
            .iter()
            .flat_map(|(name, routes)| routes.iter().map(|route| (route.clone(), Route::Down(Arc::clone(name)))));
        // Of two with one prefix the first counts: something else may have been deployed there since.
        let routes = up.chain(not_up).collect();
        let providers =
            active.values().flat_map(|g| g.exports().keys().map(move |key| (key.clone(), Arc::clone(g)))).collect();
        Self { active, down, routes, providers }
    }

    /// Whether no other component has a prefix or an interface of these; the first that has.
    ///
    /// # Errors
    /// The conflict, which names both sides.
    pub fn is_free(&self, candidate: &Candidate<'_>) -> Result<(), Conflict> {
        for other in self.others(candidate.name) {
            for route in candidate.routes {
                if other.manifest().routes.contains(route) {
                    let (route, component) = (route.as_str().to_owned(), Arc::clone(other.name()));
                    return Err(Conflict::Route { route, component });
                }
            }
            if let Some(key) = candidate.exports.keys().find(|key| other.exports().contains_key(key)) {
                return Err(Conflict::Export { interface: key.to_string(), component: Arc::clone(other.name()) });
            }
        }
        Ok(())
    }

    fn others(&self, name: &str) -> impl Iterator<Item = &Arc<Generation>> {
        self.active.values().filter(move |g| g.name().as_ref() != name)
    }

    /// Whether a generation could become active now; the first reason why not.
    ///
    /// # Errors
    /// The conflict, which names both sides.
    pub fn check(&self, candidate: &Candidate<'_>) -> Result<(), Conflict> {
        self.is_free(candidate)?;
        let others = || self.others(candidate.name);
        for other in others() {
            for (key, needed) in other.links() {
                let provided_here = self.provider(key).is_some_and(|g| g.name().as_ref() == candidate.name);
                let problem = match candidate.exports.get(key) {
                    Some(provided) => interface::mismatch(needed, provided),
                    None => provided_here.then(|| format!("{} no longer exports it", candidate.name)),
                };
                if let Some(problem) = problem {
                    let (interface, component) = (key.to_string(), Arc::clone(other.name()));
                    return Err(Conflict::Needed { interface, component, problem });
                }
            }
        }
        for (key, needed) in candidate.links {
            let own = candidate.exports.get(key).filter(|_| candidate.merges(key));
            let provider = own.or_else(|| others().find_map(|g| g.exports().get(key)));
            let problem = match provider {
                None => Some("nothing provides it: deploy a component that exports it first".to_owned()),
                Some(provided) => interface::mismatch(needed, provided),
            };
            if let Some(problem) = problem {
                return Err(Conflict::Missing { interface: needed.full_name.to_string(), problem });
            }
        }
        Ok(())
    }
}

/// What of a generation has to fit the others.
pub struct Candidate<'a> {
    /// The component's name.
    pub name: &'a str,
    /// The prefixes it serves.
    pub routes: &'a [RoutePrefix],
    /// The interfaces it exports.
    pub exports: &'a interface::Interfaces,
    /// The interfaces it needs of other components.
    pub links: &'a interface::Interfaces,
    /// The functions whose calls are merged.
    pub merge: &'a [Merge],
}

impl Candidate<'_> {
    /// Whether it merges calls of an interface's functions, and so may make some itself.
    fn merges(&self, key: &InterfaceKey) -> bool {
        self.merge.iter().any(|merge| merge.interface() == key.name())
    }
}
