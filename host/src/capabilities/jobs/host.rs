//! The interface `datamp:jobs/scheduler` on an instance's state.

use std::sync::Arc;

use uuid::Uuid;
use wasmtime::component::Resource;

use super::{
    check::{Checked, check, count, name_and_key},
    scheduler::{Host, JobKey, NewJob, SchedulerError},
};
use crate::{
    capabilities::database::{HostCall, Transaction, sql::Value},
    engine::InstanceState,
    telemetry::clock::now_micros,
};

type Answer<T> = wasmtime::Result<Result<T, SchedulerError>>;

/// The parameters of [`HostCall::Schedule`].
fn new_jobs(jobs: Vec<Checked>, trace: String) -> Vec<Value> {
    let mut ids = Vec::with_capacity(jobs.len());
    let (mut names, mut keys, mut times, mut payloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        ids.push(Uuid::now_v7().to_string());
        names.push(job.name);
        keys.push(job.key);
        times.push(job.run_at);
        payloads.push(job.payload);
    }
    vec![
        Value::Texts(ids),
        Value::Texts(names),
        Value::Texts(keys),
        Value::Integers(times),
        Value::Texts(payloads),
        Value::Text(trace),
    ]
}

/// The parameters of [`HostCall::Cancel`].
fn keys(jobs: Vec<JobKey>) -> Result<Vec<Value>, SchedulerError> {
    count(jobs.len())?;
    for job in &jobs {
        name_and_key(&job.name, &job.key)?;
    }
    let (names, keys) = jobs.into_iter().map(|job| (job.name, job.key)).unzip();
    Ok(vec![Value::Texts(names), Value::Texts(keys)])
}

impl InstanceState {
    async fn by_itself(&mut self, call: HostCall, parameters: Vec<Value>) -> Result<u32, SchedulerError> {
        let platform = &self.component.capabilities.platform;
        let changed = platform.database.call(call, &self.component.name, parameters, self.call.deadline).await;
        platform.work.added();
        changed.map(|changed| u32::try_from(changed).unwrap_or(u32::MAX)).map_err(SchedulerError::Database)
    }

    async fn within(&mut self, handle: &Resource<Transaction>, call: HostCall, parameters: Vec<Value>) -> Answer<u32> {
        let name = Arc::clone(&self.component.name);
        let changed = match self.open_transaction(handle)? {
            Ok(open) => open.call(call, &name, parameters).await,
            Err(error) => Err(error),
        };
        Ok(changed.map(|changed| u32::try_from(changed).unwrap_or(u32::MAX)).map_err(SchedulerError::Database))
    }

    fn checked(&self, jobs: Vec<NewJob>) -> Result<Vec<Value>, SchedulerError> {
        Ok(new_jobs(check(jobs, now_micros())?, self.call.trace.traceparent().to_string()))
    }
}

impl Host for InstanceState {
    async fn schedule(&mut self, jobs: Vec<NewJob>) -> Answer<()> {
        Ok(match self.checked(jobs) {
            Ok(parameters) => self.by_itself(HostCall::Schedule, parameters).await.map(drop),
            Err(error) => Err(error),
        })
    }

    async fn schedule_in(&mut self, handle: Resource<Transaction>, jobs: Vec<NewJob>) -> Answer<()> {
        match self.checked(jobs) {
            Ok(parameters) => Ok(self.within(&handle, HostCall::Schedule, parameters).await?.map(drop)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn cancel(&mut self, jobs: Vec<JobKey>) -> Answer<u32> {
        Ok(match keys(jobs) {
            Ok(parameters) => self.by_itself(HostCall::Cancel, parameters).await,
            Err(error) => Err(error),
        })
    }

    async fn cancel_in(&mut self, handle: Resource<Transaction>, jobs: Vec<JobKey>) -> Answer<u32> {
        match keys(jobs) {
            Ok(parameters) => self.within(&handle, HostCall::Cancel, parameters).await,
            Err(error) => Ok(Err(error)),
        }
    }
}
