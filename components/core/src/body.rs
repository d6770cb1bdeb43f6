//! The bodies of requests.

use datamp_sdk::{FromRequest, Json, Params, Problem, Request};
use serde::de::DeserializeOwned;

/// A JSON object that fits a type, refused like [`Json`] refuses it.
///
/// Serde would also take an array, with the fields in their order: a form that nobody is to rely on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Object<T> {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        let Json(value) = Json::from_request(request, params)?;
        match request.body().trim_ascii_start().first() {
            Some(b'{') => Ok(Self(value)),
            _ => Err(Problem::unprocessable("The body must be a JSON object.")),
        }
    }
}
