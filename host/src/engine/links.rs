//! Calls from component to component.
//!
//! For every interface that a component imports and no capability provides, the host defines the functions dynamically.
//! A call looks up who exports the interface *now*, and runs there on an instance of its own with what is left of the
//! caller's deadline. So a swap of the callee is seen at once, and nobody is linked anew.

use std::sync::{Arc, Weak};

use tokio::time::Instant;
use wasmtime::{
    StoreContextMut,
    component::{Linker, Val},
};

use super::{
    CallContext, CallError, InstanceState,
    interface::{Interface, InterfaceKey},
};
use crate::registry::Registry;

/// How many components may be waiting for one another, the first included.
pub const DEPTH_LIMIT: usize = 8;

/// Defines the functions of an imported interface as calls through the registry.
///
/// # Errors
/// When the linker has the interface already.
pub fn define(
    linker: &mut Linker<InstanceState>,
    key: &InterfaceKey,
    interface: &Interface,
    registry: &Registry,
) -> wasmtime::Result<()> {
    let mut instance = linker.instance(&interface.full_name)?;
    for function in interface.functions.keys() {
        let link = Arc::new(Link {
            key: key.clone(),
            interface: Arc::clone(&interface.full_name),
            function: function.clone(),
            registry: registry.clone(),
        });
        instance.func_new_async(function, move |store, _ty, parameters, results| {
            let link = Arc::clone(&link);
            Box::new(async move { link.call(store, parameters, results).await.map_err(wasmtime::Error::from) })
        })?;
    }
    Ok(())
}

struct Link {
    key: InterfaceKey,
    interface: Arc<str>,
    function: String,
    registry: Registry,
}

impl Link {
    async fn call(
        &self,
        store: StoreContextMut<'_, InstanceState>,
        parameters: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let state = store.data();
        let caller = &state.component.name;
        let not_provided =
            || CallError::NotProvided { caller: Arc::clone(caller), interface: Arc::clone(&self.interface) };
        let own = state.component.own.get().and_then(Weak::upgrade).filter(|own| own.exports().contains_key(&self.key));
        let generation = own.or_else(|| self.registry.provider(&self.key)).ok_or_else(not_provided)?;
        let export = generation.export(&self.key, &self.function).ok_or_else(not_provided)?;
        let callee = generation.name();
        // A component's own function may be called where calls of it are merged: they are made by an instance of their own.
        let calls_itself = callee == caller && !generation.merges(export);
        if calls_itself || state.call.callers.contains(callee) {
            return Err(CallError::Cycle {
                caller: Arc::clone(caller),
                component: Arc::clone(callee),
                interface: Arc::clone(&self.interface),
            });
        }
        if state.call.callers.len() + 1 >= DEPTH_LIMIT {
            return Err(CallError::TooDeep {
                caller: Arc::clone(caller),
                interface: Arc::clone(&self.interface),
                limit: DEPTH_LIMIT,
            });
        }
        let mut callers = Vec::with_capacity(state.call.callers.len() + 1);
        callers.extend_from_slice(&state.call.callers);
        callers.push(Arc::clone(caller));
        let call = CallContext {
            request_id: Arc::clone(&state.call.request_id),
            trace: state.call.trace.child(),
            deadline: state.call.deadline.min(Instant::now() + generation.deadline()),
            callers,
        };
        generation.call(call, export, parameters, results).await
    }
}
