//! Serves plain `wasi:http` 0.2 by the crate `wasip2` alone. What a third party adds for DataMP is its manifest.
//!
//! A GET tells its path; a POST gets its body back; `…/trap` traps; `…/stuck` gives no answer in time; the answer of
//! `…/large` is larger than a connection's buffers.

use std::{
    io::{Read as _, Write as _},
    thread,
    time::Duration,
};

use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

#[unsafe(link_section = "datamp:manifest")]
#[used]
static MANIFEST: [u8; include_bytes!("../component.toml").len()] = *include_bytes!("../component.toml");

wasip2::http::proxy::export!(Service);

struct Service;

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        assert!(!path.ends_with("/trap"), "asked to trap");
        if path.ends_with("/stuck") {
            // Until its deadline ends it.
            thread::sleep(Duration::from_secs(3600));
        }
        let answer = match request.method() {
            _ if path.ends_with("/large") => vec![b'x'; 16 << 20],
            Method::Post => {
                let body = request.consume().expect("a body is consumed once");
                let mut bytes = Vec::new();
                body.stream()
                    .expect("a body is streamed once")
                    .read_to_end(&mut bytes)
                    .expect("the client sends its body");
                bytes
            }
            _ => format!("wasi:http 0.2 serves {path}").into_bytes(),
        };
        let headers =
            Fields::from_list(&[("content-type".to_owned(), b"text/plain".to_vec())]).expect("a valid header");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("a body is taken once");
        ResponseOutparam::set(response_out, Ok(response));
        let mut stream = body.write().expect("a body is written once");
        stream.write_all(&answer).expect("the client reads the answer");
        stream.flush().expect("the client reads the answer");
        drop(stream);
        OutgoingBody::finish(body, None).expect("no length was promised");
    }
}
