//! Extractors of `application/x-www-form-urlencoded` data: the query, and forms.

use serde::de::DeserializeOwned;

use super::body::{check_encoding, has_body, media_type, unsupported};
use super::{FromRequest, pairs};
use crate::fault::Fault;
use crate::{Params, Problem, Request};

/// The query's parameters. 400, naming the parameter, where they do not fit.
///
/// A field of a sequence type takes a parameter that is given several times.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(request.query().unwrap_or_default().as_bytes());
        pairs::from_pairs(pairs).map(Self).map_err(|fault| told(Problem::bad_request("The query does not fit."), fault))
    }

    fn is_present(request: &Request, _: &Params) -> bool {
        request.query().is_some_and(|query| !query.is_empty())
    }
}

/// The fields of an HTML form sent by POST. 415 for another content type, 422 naming the field where they do not fit.
///
/// A field of a sequence type takes a form field that is given several times.
#[derive(Clone, Debug, PartialEq)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Form<T> {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        const WANTED: &str = "application/x-www-form-urlencoded";
        if !media_type(request).is_some_and(|found| found.eq_ignore_ascii_case(WANTED)) {
            return Err(unsupported(WANTED));
        }
        check_encoding(request)?;
        pairs::from_pairs(form_urlencoded::parse(request.body()))
            .map(Self)
            .map_err(|fault| told(Problem::unprocessable("The form does not fit."), fault))
    }

    fn is_present(request: &Request, _: &Params) -> bool {
        has_body(request)
    }
}

pub(super) fn told(problem: Problem, fault: Fault) -> Problem {
    match fault.field {
        Some(field) => problem.field(field, fault.detail),
        None => problem.detail(fault.detail),
    }
}
