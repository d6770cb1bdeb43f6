//! Handlers whose types say what they take and answer.

use super::{DescribeAnswer, DescribeRequest, Description};
use crate::Request;
use crate::extract::FromRequest;
use crate::handler::{Handler, WithRequest};
use crate::response::IntoResponse;

/// A [`Handler`] whose extractors and answer describe themselves.
#[diagnostic::on_unimplemented(
    message = "this handler can't be described",
    note = "each of its arguments implements `DescribeRequest`, and what it answers `DescribeAnswer`; a plain `Response` says nothing of itself: answer `Json<T>`, `Created<T>` or `As<…>`"
)]
pub trait Described<Arguments>: Handler<Arguments> {
    /// Tells what the handler takes and answers.
    fn describe(description: &mut Description<'_>);
}

macro_rules! described {
    ($($argument:ident),*) => {
        impl<F, R, $($argument),*> Described<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + 'static,
            R: IntoResponse + DescribeAnswer,
            $($argument: FromRequest + DescribeRequest,)*
        {
            fn describe(description: &mut Description<'_>) {
                $($argument::describe(description);)*
                R::describe(description);
            }
        }

        impl<F, R, $($argument),*> Described<WithRequest<($($argument,)*)>> for F
        where
            F: Fn(&Request, $($argument),*) -> R + 'static,
            R: IntoResponse + DescribeAnswer,
            $($argument: FromRequest + DescribeRequest,)*
        {
            fn describe(description: &mut Description<'_>) {
                $($argument::describe(description);)*
                R::describe(description);
            }
        }
    };
}

described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);
described!(A, B, C, D, E, G);
