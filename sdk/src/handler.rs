//! What may serve a route.

use crate::extract::FromRequest;
use crate::response::{IntoResponse, Response};
use crate::{Params, Request};

/// A function that serves a route: up to six extractors in, anything that is a response out. Its first argument may also
/// be `&Request`.
///
/// `Arguments` tells the shapes apart and is never named.
pub trait Handler<Arguments>: 'static {
    /// Extracts the arguments, calls the function and makes the response.
    fn call(&self, request: &Request, params: &Params) -> Response;
}

/// Marks handlers whose first argument is `&Request`.
#[doc(hidden)]
#[derive(Debug)]
pub struct WithRequest<T>(T);

macro_rules! handlers {
    ($($argument:ident),*) => {
        impl<F, R, $($argument),*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + 'static,
            R: IntoResponse,
            $($argument: FromRequest,)*
        {
            #[allow(unused_variables, non_snake_case, reason = "one pattern for every number of arguments")]
            fn call(&self, request: &Request, params: &Params) -> Response {
                $(
                    let $argument = match $argument::from_request(request, params) {
                        Ok(value) => value,
                        Err(problem) => return problem.into_response(),
                    };
                )*
                self($($argument),*).into_response()
            }
        }

        impl<F, R, $($argument),*> Handler<WithRequest<($($argument,)*)>> for F
        where
            F: Fn(&Request, $($argument),*) -> R + 'static,
            R: IntoResponse,
            $($argument: FromRequest,)*
        {
            #[allow(unused_variables, non_snake_case, reason = "one pattern for every number of arguments")]
            fn call(&self, request: &Request, params: &Params) -> Response {
                $(
                    let $argument = match $argument::from_request(request, params) {
                        Ok(value) => value,
                        Err(problem) => return problem.into_response(),
                    };
                )*
                self(request, $($argument),*).into_response()
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
handlers!(A, B, C, D, E);
handlers!(A, B, C, D, E, G);
