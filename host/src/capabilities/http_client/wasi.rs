//! Outgoing requests of components that speak `wasi:http` themselves: the same rules hold.

use std::{sync::Arc, time::Duration};

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::{
    answer::Patience,
    hosts::AllowedHosts,
    outbound::{Outbound, SendError},
};
use crate::{
    engine::{CallContext, ComponentContext},
    telemetry::trace::TraceContext,
};

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

/// What `wasmtime-wasi-http` is to send requests by: put it into the store beside the
/// [`WasiHttpCtx`](wasmtime_wasi_http::WasiHttpCtx), and give it to the view as its `hooks`.
pub struct WasiOutbound {
    component: Arc<ComponentContext>,
    trace: TraceContext,
    deadline: Instant,
}

impl WasiOutbound {
    /// The requests that an instance makes while it works on this call.
    #[must_use]
    pub fn new(component: Arc<ComponentContext>, call: &CallContext) -> Self {
        Self { component, trace: call.trace, deadline: call.deadline }
    }

    /// Goes on to another call.
    pub fn begin(&mut self, call: &CallContext) {
        self.trace = call.trace;
        self.deadline = call.deadline;
    }
}

impl WasiHttpHooks for WasiOutbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (component, trace, until) = (Arc::clone(&self.component), self.trace, self.deadline);
        Box::new(async move {
            let capabilities = &component.capabilities;
            let outbound = &capabilities.platform.outbound;
            let response =
                send(outbound, &capabilities.hosts, trace, until, request, options.unwrap_or_default()).await?;
            // The client's pool drives the connection itself.
            Ok((response, Box::new(std::future::ready(Ok(()))) as Box<_>))
        })
    }
}

/// Sends one request by the rules for those hosts.
pub(super) async fn send(
    outbound: &Outbound,
    hosts: &AllowedHosts,
    trace: TraceContext,
    until: Instant,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let head =
        [options.connect_timeout, options.first_byte_timeout].into_iter().flatten().reduce(Duration::saturating_add);
    let head_by = head.and_then(|head| Instant::now().checked_add(head)).unwrap_or(until);
    let patience = Patience { until, pause: options.between_bytes_timeout };
    let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
    let response = outbound.open(hosts, request, trace, head_by, patience).await.map_err(wasi_error)?;
    Ok(response.map(|body| body.map_err(wasi_error).boxed_unsync()))
}

fn wasi_error(error: SendError) -> Error {
    match error {
        SendError::InvalidUrl(_) => Error::HttpRequestUriInvalid,
        SendError::InvalidHeader(_) | SendError::HostNotAllowed(_) => Error::HttpRequestDenied,
        SendError::AddressNotAllowed(_) => Error::DestinationIpProhibited,
        SendError::Unresolved(_) => Error::DnsError { rcode: None, info_code: None },
        SendError::Connection(problem) => Error::Connect(std::io::Error::other(problem)),
        SendError::Timeout => Error::HttpResponseTimeout,
        SendError::TooLarge(limit) => Error::HttpResponseBodySize(Some(limit)),
    }
}
