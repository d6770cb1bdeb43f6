//! The interface `datamp:messaging/publisher` on an instance's state.

use uuid::Uuid;
use wasmtime::component::Resource;

use super::{
    check::check,
    publisher::{Host, NewEvent, PublishError},
};
use crate::{
    capabilities::database::{HostCall, Transaction, sql::Value},
    engine::InstanceState,
};

type Answer = wasmtime::Result<Result<Vec<String>, PublishError>>;

/// The parameters of [`HostCall::Publish`], and the events' ids among them.
fn parameters(events: Vec<NewEvent>, trace: String) -> (Vec<String>, Vec<Value>) {
    let ids: Vec<String> = events.iter().map(|_| Uuid::now_v7().to_string()).collect();
    let (topics, payloads) = events.into_iter().map(|event| (event.topic, event.payload)).unzip();
    let parameters = vec![Value::Texts(ids.clone()), Value::Texts(topics), Value::Texts(payloads), Value::Text(trace)];
    (ids, parameters)
}

impl Host for InstanceState {
    async fn publish(&mut self, events: Vec<NewEvent>) -> Answer {
        if let Err(error) = check(&events, &self.component.manifest.messaging) {
            return Ok(Err(error));
        }
        let (ids, parameters) = parameters(events, self.call.trace.traceparent().to_string());
        let platform = &self.component.capabilities.platform;
        let name = &self.component.name;
        let published = platform.database.call(HostCall::Publish, name, parameters, self.call.deadline).await;
        platform.work.added();
        Ok(published.map(|_| ids).map_err(PublishError::Database))
    }

    async fn publish_in(&mut self, handle: Resource<Transaction>, events: Vec<NewEvent>) -> Answer {
        if let Err(error) = check(&events, &self.component.manifest.messaging) {
            return Ok(Err(error));
        }
        let (ids, parameters) = parameters(events, self.call.trace.traceparent().to_string());
        let name = std::sync::Arc::clone(&self.component.name);
        Ok(match self.open_transaction(&handle)? {
            Ok(open) => open.call(HostCall::Publish, &name, parameters).await.map(|_| ids),
            Err(error) => Err(error),
        }
        .map_err(PublishError::Database))
    }
}
