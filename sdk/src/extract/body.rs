//! Extractors of the body.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::FromRequest;
use super::words::plain;
use crate::response::Json;
use crate::{Params, Problem, Request};

/// The body as it came, of any content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

impl FromRequest for Body {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(Self(request.body().to_vec()))
    }
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        if !media_type(request).is_some_and(is_json) {
            return Err(unsupported("application/json"));
        }
        check_encoding(request)?;
        parse(request.body()).map(Self)
    }

    fn is_present(request: &Request, _: &Params) -> bool {
        has_body(request)
    }
}

pub(super) fn has_body(request: &Request) -> bool {
    !request.body().is_empty() || request.header("content-type").is_some()
}

/// The content type without its parameters. Where the field stands more than once, which one is meant is not known: `None`.
pub(super) fn media_type(request: &Request) -> Option<&str> {
    let mut values = request.header_values("content-type");
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    Some(value.split(';').next().unwrap_or(value).trim())
}

/// Refuses a body that is compressed (RFC 9110, section 15.5.16): nothing here unpacks one, so that none can grow.
pub(super) fn check_encoding(request: &Request) -> Result<(), Problem> {
    if request.header_values("content-encoding").all(|coding| coding.trim().eq_ignore_ascii_case("identity")) {
        return Ok(());
    }
    Err(Problem::new(415, "unsupported-content-encoding", "The content encoding can't be taken")
        .detail("Send the body as it is, not compressed, and without the field Content-Encoding.")
        .header("accept-encoding", "identity"))
}

fn is_json(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

pub(super) fn unsupported(wanted: &str) -> Problem {
    Problem::new(415, "unsupported-media-type", "The content type can't be taken")
        .detail(format!("Send the body as {wanted}, and say so in the field Content-Type."))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Tracking the path costs time, so it is done when there is something to tell.
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) if error.classify() == Category::Data => Err(misfit::<T>(body)),
        Err(_) if body.is_empty() => {
            Err(Problem::new(400, "malformed-json", "The body is not JSON").detail("The body is empty."))
        }
        Err(error) => Err(Problem::new(400, "malformed-json", "The body is not JSON")
            .detail(format!("{}, at line {}, column {}.", words(&error), error.line(), error.column()))
            .with("line", error.line())
            .with("column", error.column())),
    }
}

fn misfit<T: DeserializeOwned>(body: &[u8]) -> Problem {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let problem = Problem::unprocessable("The body does not have the form that is wanted.");
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => problem,
        Err(error) => {
            let detail = plain(&words(error.inner()));
            let path = error.path().to_string();
            let parent = if path == "." { "" } else { path.as_str() };
            // serde reports a missing field, or an unknown one, at the object that lacks or has it.
            let (field, detail) = match named_field(&detail) {
                Some((name, detail)) if !ends_with_segment(parent, name) => {
                    let dot = if parent.is_empty() { "" } else { "." };
                    (format!("{parent}{dot}{name}"), detail.to_owned())
                }
                Some((_, detail)) => (parent.to_owned(), detail.to_owned()),
                None => (parent.to_owned(), detail),
            };
            // It is no field of the body that is at fault where the body itself is.
            if field.is_empty() { problem.detail(format!("The body {detail}.")) } else { problem.field(field, detail) }
        }
    }
}

/// The field that serde's words name, and what is to be said of it. For words it does not know: `None`, and serde's own
/// words are told.
fn named_field(words: &str) -> Option<(&str, &'static str)> {
    const KNOWN: [(&str, &str); 3] = [
        ("missing field `", "is missing"),
        ("unknown field `", "is not known"),
        ("duplicate field `", "is given more than once"),
    ];
    KNOWN.iter().find_map(|(start, detail)| {
        let (name, _) = words.strip_prefix(start)?.split_once('`')?;
        Some((name, *detail))
    })
}

fn ends_with_segment(path: &str, name: &str) -> bool {
    path == name || path.ends_with(&format!(".{name}"))
}

/// The error's words without the place, which is told apart.
fn words(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    words.strip_suffix(&place).unwrap_or(&words).replace("EOF while parsing", "the body ends within")
}
