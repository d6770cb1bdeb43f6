//! Adding routes together with what is said of them.

use super::handlers::Described;
use super::{Description, Draft};
use crate::{Method, Router, Timestamp};

/// Adds routes to a router, and describes them.
#[derive(Debug)]
pub struct Api<'r> {
    router: &'r mut Router,
    tag: Option<&'static str>,
}

impl<'r> Api<'r> {
    /// An API whose routes go to a router.
    pub fn new(router: &'r mut Router) -> Self {
        Self { router, tag: None }
    }

    /// Begins a part of the API: what is added from here on belongs to it.
    pub fn tag(&mut self, name: &'static str, description: &'static str) -> &mut Self {
        self.tag = Some(name);
        if let Some(draft) = self.router.draft() {
            draft.tag(name, description);
        }
        self
    }

    /// Serves GET, and HEAD.
    pub fn get<A>(&mut self, pattern: &'static str, handler: impl Described<A>) -> Operation<'_> {
        self.operation(Method::Get, pattern, handler)
    }

    /// Serves POST.
    pub fn post<A>(&mut self, pattern: &'static str, handler: impl Described<A>) -> Operation<'_> {
        self.operation(Method::Post, pattern, handler)
    }

    /// Serves PUT.
    pub fn put<A>(&mut self, pattern: &'static str, handler: impl Described<A>) -> Operation<'_> {
        self.operation(Method::Put, pattern, handler)
    }

    /// Serves PATCH.
    pub fn patch<A>(&mut self, pattern: &'static str, handler: impl Described<A>) -> Operation<'_> {
        self.operation(Method::Patch, pattern, handler)
    }

    /// Serves DELETE.
    pub fn delete<A>(&mut self, pattern: &'static str, handler: impl Described<A>) -> Operation<'_> {
        self.operation(Method::Delete, pattern, handler)
    }

    #[track_caller]
    fn operation<A, H: Described<A>>(&mut self, method: Method, pattern: &'static str, handler: H) -> Operation<'_> {
        if let Some(draft) = self.router.draft() {
            draft.begin(&method, pattern, self.tag);
            H::describe(&mut draft.description());
        }
        self.router.route(method.clone(), pattern, handler);
        Operation { router: &mut *self.router, method, pattern }
    }
}

/// A route that was added, to say more of it.
#[derive(Debug)]
pub struct Operation<'r> {
    router: &'r mut Router,
    method: Method,
    pattern: &'static str,
}

impl Operation<'_> {
    /// Its name in programs, which generators of clients make a function's name of: `createPayment`. It never changes.
    pub fn id(self, id: &'static str) -> Self {
        self.draft(|draft| draft.current().id = Some(id))
    }

    /// What it does, in a few words without a full stop.
    pub fn summary(self, summary: &'static str) -> Self {
        self.draft(|draft| draft.current().summary = Some(summary))
    }

    /// What a caller has to know beyond the summary, in CommonMark.
    pub fn text(self, text: &'static str) -> Self {
        self.draft(|draft| draft.current().text = Some(text))
    }

    /// A problem that it answers, beyond those that its extractors answer: the status, the slug and when that is.
    pub fn problem(self, status: u16, slug: &'static str, when: &'static str) -> Self {
        self.describe(|description| description.problem(status, slug, when))
    }

    /// Problems that it shares with others.
    pub fn problems(self, problems: &'static [(u16, &'static str, &'static str)]) -> Self {
        self.describe(|description| {
            for (status, slug, when) in problems {
                description.problem(*status, slug, when);
            }
        })
    }

    /// Whatever else is to be said of it.
    pub fn describe(self, say: impl FnOnce(&mut Description<'_>)) -> Self {
        self.draft(|draft| say(&mut draft.description()))
    }

    /// Says that it is not to be used any more, since when, and when it may be gone. Its answers say so too, by `Deprecation`
    /// (RFC 9745) and `Sunset` (RFC 8594).
    pub fn deprecated(self, since: Timestamp, sunset: Option<Timestamp>) -> Self {
        self.router.deprecate(&self.method, self.pattern, since, sunset);
        self.draft(|draft| draft.current().deprecated = Some((since, sunset)))
    }

    fn draft(self, write: impl FnOnce(&mut Draft)) -> Self {
        if let Some(draft) = self.router.draft() {
            write(draft);
        }
        self
    }
}
