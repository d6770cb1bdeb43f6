//! Why a page is not served, in the words of the page that is shown instead.

use datamp_sdk::crypto::signatures::SignatureError;
use datamp_sdk::deployments::ControlError;
use datamp_sdk::{Problem, database};

/// Where to go from an error page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// To the first page.
    Home,
    /// To the components, where what is broken can be rolled back.
    Components,
    /// To what waits for approval.
    Approvals,
    /// To the page to sign in.
    SignIn,
}

/// A page that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The keys of what the page says.
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    /// What the platform said, in its own words.
    pub(crate) words: Option<String>,
    pub(crate) exit: Exit,
}

impl Refusal {
    const fn new(status: u16, title: &'static str, text: &'static str, exit: Exit) -> Self {
        Self { status, title, text, words: None, exit }
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "error.not-found", "error.not-found-text", Exit::Home)
    }

    /// 403: the role has not the permission.
    pub(crate) fn forbidden() -> Self {
        Self::new(403, "error.forbidden", "error.forbidden-text", Exit::Home)
    }

    /// 403: the form was made for another session, or by another site.
    pub(crate) fn expired_form() -> Self {
        Self::new(403, "error.expired-form", "error.expired-form-text", Exit::Home)
    }

    /// 401, of a part of a page.
    pub(crate) fn signed_out() -> Self {
        Self::new(401, "error.signed-out", "error.signed-out-text", Exit::SignIn)
    }

    /// 409: what the page showed is not so any more.
    pub(crate) fn stale() -> Self {
        Self::new(409, "error.stale", "error.stale-text", Exit::Components)
    }

    /// 409: the operation is another one, or was decided by somebody else.
    pub(crate) fn decided() -> Self {
        Self::new(409, "error.decided", "error.decided-text", Exit::Approvals)
    }

    /// 403: who asked for an operation would approve it.
    pub(crate) fn same_person() -> Self {
        Self::new(403, "error.same-person", "error.same-person-text", Exit::Approvals)
    }

    /// 422: a value can't be taken.
    pub(crate) fn invalid() -> Self {
        Self::new(422, "error.invalid", "error.invalid-text", Exit::Home)
    }

    /// 503: it can't be done now.
    pub(crate) fn unavailable() -> Self {
        Self::new(503, "error.unavailable", "error.unavailable-text", Exit::Home)
    }

    /// 503: no generation of core is active.
    pub(crate) fn core_is_down() -> Self {
        Self::new(503, "error.core-down", "error.core-down-text", Exit::Components)
    }

    /// The same with what the platform said.
    #[must_use]
    pub(crate) fn said(mut self, words: impl Into<String>) -> Self {
        self.words = Some(words.into());
        self
    }
}

/// A problem's own words are English and for programs; the page says the same by its status.
impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem.status() {
            404 => Self::not_found(),
            status @ (400 | 409 | 413 | 415 | 422) => {
                Self::new(status, "error.invalid", "error.invalid-text", Exit::Home)
            }
            status @ (429 | 503) => Self::new(status, "error.unavailable", "error.unavailable-text", Exit::Home),
            _ => Self::new(500, "error.internal", "error.internal-text", Exit::Home),
        }
    }
}

impl From<database::Error> for Refusal {
    fn from(error: database::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        Problem::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_problems_keep_their_status() {
        assert_eq!(Refusal::from(Problem::not_found("x")).status, 404);
        assert_eq!(Refusal::from(Problem::unprocessable("x")).status, 422);
        assert_eq!(Refusal::from(Problem::unavailable("x")).status, 503);
        assert_eq!(Refusal::from(Problem::internal("x")).status, 500);
        assert_eq!(Refusal::from(database::Error::Conflict).status, 503);
        assert_eq!(Refusal::from(ControlError::UnknownGeneration(9)).status, 404);
    }
}
