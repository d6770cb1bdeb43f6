//! Between HTTP as hyper has it and HTTP as plain values.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{Problem, RequestContext, problem};
use crate::{
    bindings::platform::{datamp::http::types, exports::datamp::http::handler},
    engine::CallError,
    manifest::ByteSize,
};

/// Fields that belong to one connection (RFC 9110, section 7.6.1) and go no further.
fn is_of_connection(name: &HeaderName) -> bool {
    const OTHERS: [&str; 4] = ["keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"];
    *name == header::CONNECTION
        || *name == header::TRANSFER_ENCODING
        || *name == header::UPGRADE
        || *name == header::TE
        || *name == header::TRAILER
        || OTHERS.contains(&name.as_str())
}

/// A request as the typed handler takes it.
///
/// # Errors
/// A problem for a field that is not UTF-8.
pub(super) fn request(parts: &Parts, body: Vec<u8>, context: &RequestContext) -> Result<handler::Request, Problem> {
    Ok(handler::Request {
        method: method(&parts.method),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: fields(&parts.headers)?,
        body,
        request_id: context.id.to_string(),
        client_address: context.client.to_string(),
    })
}

fn method(method: &Method) -> types::Method {
    match *method {
        Method::GET => types::Method::Get,
        Method::HEAD => types::Method::Head,
        Method::POST => types::Method::Post,
        Method::PUT => types::Method::Put,
        Method::DELETE => types::Method::Delete,
        Method::PATCH => types::Method::Patch,
        Method::OPTIONS => types::Method::Options,
        ref other => types::Method::Other(other.as_str().to_owned()),
    }
}

fn fields(headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    headers
        .iter()
        .filter(|(name, _)| !is_of_connection(name) && !named.contains(name))
        .map(|(name, value)| match std::str::from_utf8(value.as_bytes()) {
            Ok(value) => Ok((name.as_str().to_owned(), value.to_owned())),
            Err(_) => Err(problem::malformed(format!("the value of the field {name} is not UTF-8"))),
        })
        .collect()
}

/// A response as hyper sends it.
///
/// # Errors
/// When the component's answer is no HTTP response, or too long.
pub(super) fn response(
    answer: handler::Response,
    component: &Arc<str>,
    limit: ByteSize,
) -> Result<Response<Body>, CallError> {
    let invalid = |reason: String| CallError::InvalidResponse { component: Arc::clone(component), reason };
    if answer.body.len() > limit.0 {
        return Err(CallError::ResponseTooLarge { component: Arc::clone(component), limit });
    }
    let status = StatusCode::from_u16(answer.status).ok().filter(|s| (200..600).contains(&s.as_u16()));
    let status = status.ok_or_else(|| invalid(format!("its status is {}", answer.status)))?;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(answer.headers.len());
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid(format!("{:?} is no name of a field", shortened(&name))))?;
        // hyper itself gives the length and the date.
        if is_of_connection(&name) || name == header::CONTENT_LENGTH || name == header::DATE {
            continue;
        }
        let value =
            HeaderValue::from_str(&value).or_else(|_| HeaderValue::from_maybe_shared(bytes::Bytes::from(value)));
        let value = value.map_err(|_| invalid(format!("the value of its field {name} holds a control character")))?;
        headers.append(name, value);
    }
    Ok(response)
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Response<Body>, CallError> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        response(handler::Response { status, headers, body: body.to_vec() }, &"c".into(), ByteSize(4))
    }

    #[test]
    fn an_answer_keeps_its_fields_but_not_those_of_the_connection() {
        let response = answer(
            201,
            &[
                ("Set-Cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("connection", "close"),
                ("content-length", "99"),
                ("x", "ж"),
            ],
            b"1234",
        )
        .unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert!(!response.headers().contains_key("connection") && !response.headers().contains_key("content-length"));
        assert_eq!(response.headers().get("x").unwrap().as_bytes(), "ж".as_bytes());
    }

    #[test]
    fn what_is_no_response_is_refused_with_its_fault() {
        for (result, expected) in [
            (answer(99, &[], b""), "status is 99"),
            (answer(100, &[], b""), "status is 100"),
            (answer(600, &[], b""), "status is 600"),
            (answer(200, &[("a b", "c")], b""), "no name of a field"),
            (answer(200, &[("", "c")], b""), "no name of a field"),
            (answer(200, &[("a", "c\r\nset-cookie: x")], b""), "control character"),
            (answer(200, &[], b"12345"), "more than its 4 bytes"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn fields_named_by_connection_stay_behind() {
        let mut headers = HeaderMap::new();
        headers.append("connection", "close, X-Private".parse().unwrap());
        headers.append("x-private", "1".parse().unwrap());
        headers.append("x-public", "2".parse().unwrap());
        assert_eq!(fields(&headers).unwrap(), [("x-public".to_owned(), "2".to_owned())]);
        headers.append("y", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(fields(&headers).is_err());
    }
}
