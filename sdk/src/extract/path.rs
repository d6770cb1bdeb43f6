//! The extractor of path parameters.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::url::told;
use super::{FromRequest, parameters};
use crate::fault::Fault;
use crate::{Params, Problem, Request};

/// The parameters of the path, percent-decoded: one as a value, several as a tuple in their order or as a struct by name.
/// 400, naming the parameter, where one does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    fn from_request(_: &Request, params: &Params) -> Result<Self, Problem> {
        decoded(params)
            .and_then(parameters::from_parameters)
            .map(Self)
            .map_err(|fault| told(Problem::bad_request("The path does not fit."), fault))
    }
}

fn decoded<'a>(params: &Params<'a>) -> Result<Vec<(&'a str, Cow<'a, str>)>, Fault> {
    params
        .iter()
        .map(|(name, value)| match percent_decode_str(value).decode_utf8() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Fault::new("is not UTF-8 when percent-decoded").in_field(name)),
        })
        .collect()
}
