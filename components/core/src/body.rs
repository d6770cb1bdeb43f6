//! The bodies of requests.

use datamp_sdk::openapi::{DescribeRequest, Description};
use datamp_sdk::{FromRequest, Json, Params, Problem, Request};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A JSON object that fits a type, refused like [`Json`] refuses it.
///
/// Serde would also take an array, with the fields in their order: a form that nobody is to rely on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<T>(pub T);

/// What there is to say where nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned> FromRequest for Object<T> {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        let Json(value) = Json::from_request(request, params)?;
        match request.body().trim_ascii_start().first() {
            Some(b'{') => Ok(Self(value)),
            _ => Err(Problem::unprocessable("The body must be a JSON object.")),
        }
    }

    /// Where all fields may be left out, so may the body.
    fn is_present(request: &Request, _: &Params) -> bool {
        !request.body().is_empty()
    }
}

impl<T: JsonSchema> DescribeRequest for Object<T> {
    fn describe(description: &mut Description<'_>) {
        Json::<T>::describe(description);
    }
}
