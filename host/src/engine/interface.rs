//! What a component imports and exports, by interface and function, and whether two sides fit.

use std::{collections::BTreeMap, fmt, sync::Arc};

use wasmtime::{
    Engine,
    component::{
        Component, ComponentExportIndex,
        types::{ComponentFunc, ComponentInstance, ComponentItem, Type},
    },
};

/// An interface up to compatible versions: `package/interface` and its major version (its minor too below 1.0).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct InterfaceKey {
    name: String,
    track: Option<(u64, u64)>,
}

impl InterfaceKey {
    /// Of an import's or export's name, such as `datamp:http/handler@1.0.0`.
    #[must_use]
    pub fn of(full_name: &str) -> Self {
        let Some((name, version)) = full_name.split_once('@') else {
            return Self { name: full_name.to_owned(), track: None };
        };
        let track = semver::Version::parse(version).ok().map(|v| (v.major, if v.major == 0 { v.minor } else { 0 }));
        Self { name: name.to_owned(), track }
    }

    /// `package/interface`, without a version.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for InterfaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.track {
            None => f.write_str(&self.name),
            Some((0, minor)) => write!(f, "{}@0.{minor}", self.name),
            Some((major, _)) => write!(f, "{}@{major}", self.name),
        }
    }
}

/// An interface that a component imports or exports.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name with its version.
    pub full_name: Arc<str>,
    /// Its functions by name.
    pub functions: BTreeMap<String, ComponentFunc>,
    /// Whether it has a resource, which can't be passed from component to component.
    pub has_resources: bool,
}

impl Interface {
    /// Whether there is nothing in it that could be called.
    #[must_use]
    pub fn is_of_types_alone(&self) -> bool {
        self.functions.is_empty() && !self.has_resources
    }
}

/// All interfaces on one side of a component, by key.
pub type Interfaces = BTreeMap<InterfaceKey, Interface>;

/// What a component imports.
#[must_use]
pub fn imports(component: &Component, engine: &Engine) -> Interfaces {
    let ty = component.component_type();
    ty.imports(engine).filter_map(|(name, item)| interface(name, &item.ty, engine)).collect()
}

/// What a component exports.
#[must_use]
pub fn exports(component: &Component, engine: &Engine) -> Interfaces {
    let ty = component.component_type();
    ty.exports(engine).filter_map(|(name, item)| interface(name, &item.ty, engine)).collect()
}

/// Where the functions of an exported interface are to be found in an instance, in the order of their names.
#[must_use]
pub fn export_indices(component: &Component, interface: &Interface) -> Vec<(String, ComponentExportIndex)> {
    let instance = component.get_export_index(None, &*interface.full_name);
    interface
        .functions
        .keys()
        .filter_map(|name| Some((name.clone(), component.get_export_index(instance.as_ref(), name.as_str())?)))
        .collect()
}

fn interface(name: &str, item: &ComponentItem, engine: &Engine) -> Option<(InterfaceKey, Interface)> {
    let ComponentItem::ComponentInstance(instance) = item else { return None };
    let (functions, has_resources) = contents(instance, engine);
    let interface = Interface { full_name: name.into(), functions, has_resources };
    Some((InterfaceKey::of(name), interface))
}

fn contents(instance: &ComponentInstance, engine: &Engine) -> (BTreeMap<String, ComponentFunc>, bool) {
    let mut functions = BTreeMap::new();
    let mut has_resources = false;
    for (name, item) in instance.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(function) => {
                functions.insert(name.to_owned(), function);
            }
            ComponentItem::Resource(_) => has_resources = true,
            _ => {}
        }
    }
    (functions, has_resources)
}

/// The first thing that keeps `needed` from being served by `provided`, in words; `None` if it fits.
#[must_use]
pub fn mismatch(needed: &Interface, provided: &Interface) -> Option<String> {
    needed.functions.iter().find_map(|(name, needs)| match provided.functions.get(name) {
        None => Some(format!("the function {name} is missing")),
        Some(has) => (!same_signature(needs, has)).then(|| format!("the function {name} has another type")),
    })
}

fn same_signature(a: &ComponentFunc, b: &ComponentFunc) -> bool {
    // Names of parameters don't matter to a call by position.
    let parameters = |f: &ComponentFunc| f.params().map(|(_, ty)| ty).collect::<Vec<Type>>();
    parameters(a) == parameters(b) && a.results().collect::<Vec<_>>() == b.results().collect::<Vec<_>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_versions_have_one_key() {
        let key = InterfaceKey::of;
        assert_eq!(key("a:b/c@1.0.0"), key("a:b/c@1.9.3"));
        assert_ne!(key("a:b/c@1.0.0"), key("a:b/c@2.0.0"));
        assert_eq!(key("a:b/c@0.2.0"), key("a:b/c@0.2.9"));
        assert_ne!(key("a:b/c@0.2.0"), key("a:b/c@0.3.0"));
        assert_ne!(key("a:b/c"), key("a:b/c@1.0.0"));
        assert_eq!(key("a:b/c@1.4.0").to_string(), "a:b/c@1");
        assert_eq!(key("a:b/c@0.2.4").to_string(), "a:b/c@0.2");
    }
}
