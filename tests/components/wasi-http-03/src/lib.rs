//! Serves plain `wasi:http` 0.3 by the crate `wasip3` alone. What a third party adds for DataMP is its manifest.
//!
//! A GET tells its path; a POST gets its body back; `…/trap` traps; `…/stuck` gives no answer in time; the answer of
//! `…/large` is larger than a connection's buffers.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use wasip3::{
    clocks::monotonic_clock::wait_for,
    http::types::{ErrorCode, Request, Response},
    http_compat::{http_from_wasi_request, http_into_wasi_response},
};

#[unsafe(link_section = "datamp:manifest")]
#[used]
static MANIFEST: [u8; include_bytes!("../component.toml").len()] = *include_bytes!("../component.toml");

wasip3::http::service::export!(Service);

/// In nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

struct Service;

impl wasip3::exports::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let request = http_from_wasi_request(request)?;
        let path = request.uri().path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
        assert!(!path.ends_with("/trap"), "asked to trap");
        if path.ends_with("/stuck") {
            wait_for(HOUR).await;
        }
        let answer = if path.ends_with("/large") {
            Bytes::from(vec![b'x'; 16 << 20])
        } else if request.method() == http::Method::POST {
            request.into_body().collect().await?.to_bytes()
        } else {
            Bytes::from(format!("wasi:http 0.3 serves {path}"))
        };
        let response = http::Response::builder()
            .header(http::header::CONTENT_TYPE, "text/plain")
            .body(Full::new(answer))
            .map_err(|e| ErrorCode::InternalError(Some(e.to_string())))?;
        http_into_wasi_response(response)
    }
}
