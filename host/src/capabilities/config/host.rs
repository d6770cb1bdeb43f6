//! `datamp:config` as components call it.

use std::sync::Arc;

use tokio::time::timeout_at;
use wasmtime::component::{HasSelf, Linker};
use zeroize::Zeroizing;

use crate::{
    bindings::platform::datamp::config::{
        environment::{self, About},
        secrets::{self, SecretError},
        values,
    },
    engine::{ComponentContext, InstanceState},
};

/// Links `datamp:config`.
///
/// # Errors
/// The linker has one of the interfaces already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    values::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    secrets::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    environment::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)
}

impl values::Host for InstanceState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let component = &self.component;
        let named = component.manifest.config.contains_key(&name);
        Ok(component.capabilities.settings.get(&name).filter(|_| named).cloned())
    }
}

impl environment::Host for InstanceState {
    fn describe(&mut self) -> wasmtime::Result<About> {
        let component = &self.component;
        Ok(About {
            component: component.manifest.name.to_string(),
            version: component.manifest.version.to_string(),
            generation: component.generation,
            public_url: component.capabilities.platform.public_url.clone(),
        })
    }
}

impl secrets::Host for InstanceState {
    async fn reveal(&mut self, name: String) -> wasmtime::Result<Result<String, SecretError>> {
        let revealed = timeout_at(self.call.deadline, reveal(&self.component, &name)).await;
        Ok(match revealed {
            Ok(revealed) => revealed.map(|value| value.to_string()),
            Err(_) => Err(SecretError::Unavailable("the secrets did not come in time".to_owned())),
        })
    }
}

/// A secret that the component's manifest names.
pub(crate) async fn reveal(component: &ComponentContext, name: &str) -> Result<Arc<Zeroizing<String>>, SecretError> {
    if !component.manifest.secrets.contains_key(name) {
        return Err(SecretError::NotGranted(name.to_owned()));
    }
    let value = component.capabilities.platform.secrets.get(component.manifest.name.as_str(), name).await;
    match value {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(SecretError::NotSet(name.to_owned())),
        Err(error) => {
            let component = component.manifest.name.as_str();
            tracing::error!(component, %error, "a component's secret can't be had");
            Err(SecretError::Unavailable("the secrets can't be reached".to_owned()))
        }
    }
}
