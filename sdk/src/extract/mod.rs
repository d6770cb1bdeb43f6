//! What handlers take: values drawn from a request, or a problem in their stead.

mod body;
mod header;
mod pairs;
mod parameters;
mod path;
#[cfg(test)]
mod tests;
mod text;
mod url;
mod words;

pub use body::Body;
pub use header::{Bearer, ClientAddress, Headers, IdempotencyKey, InvalidIdempotencyKey, RequestId};
pub use path::Path;
pub use url::{Form, Query};

use crate::{Params, Problem, Request};

/// A value that is drawn from a request. Implement it for what your handlers need: an authenticated caller, a tenant.
///
/// ```
/// use datamp_sdk::prelude::*;
///
/// struct Language(String);
///
/// impl FromRequest for Language {
///     fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
///         Ok(Self(request.header("accept-language").unwrap_or("en").to_owned()))
///     }
/// }
/// ```
pub trait FromRequest: Sized {
    /// Draws the value, or says what is wrong with the request.
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem>;

    /// Whether the request carries it at all. `Option<Self>` is `None` where it does not, and a problem where it carries
    /// one that is wrong. Unless implemented, always true.
    fn is_present(request: &Request, params: &Params) -> bool {
        let _ = (request, params);
        true
    }
}

impl FromRequest for Request {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(request.clone())
    }
}

impl<T: FromRequest> FromRequest for Option<T> {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        if T::is_present(request, params) { T::from_request(request, params).map(Some) } else { Ok(None) }
    }
}

/// For handlers that answer an extractor's problem themselves.
impl<T: FromRequest> FromRequest for Result<T, Problem> {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        Ok(T::from_request(request, params))
    }
}
