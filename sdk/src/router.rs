//! From a method and a path to a handler.

use crate::handler::Handler;
use crate::openapi::Draft;
use crate::response::{IntoResponse, Response};
use crate::{Method, Params, Problem, Request, Timestamp};

type Boxed = Box<dyn Fn(&Request, &Params) -> Response>;

/// The routes of a component.
///
/// Patterns are whole paths, beginning with the prefix that the manifest routes here. `{name}` stands for one segment,
/// `{*name}` at the end for all that is left. Paths are matched as they came; parameters are percent-decoded when they
/// are extracted.
#[derive(Default)]
pub struct Router {
    /// From a pattern to the index of its route.
    paths: matchit::Router<usize>,
    routes: Vec<Route>,
    /// What is said of the routes, while somebody listens: never in a component.
    #[cfg(not(target_arch = "wasm32"))]
    draft: Option<Box<Draft>>,
}

struct Route {
    pattern: String,
    handlers: Vec<Served>,
}

struct Served {
    method: Method,
    handler: Boxed,
    /// The fields that its answers have in addition.
    headers: Vec<(&'static str, String)>,
}

impl Router {
    /// A router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves GET, and HEAD where no handler of its own is set.
    pub fn get<A>(&mut self, pattern: &str, handler: impl Handler<A>) -> &mut Self {
        self.route(Method::Get, pattern, handler)
    }

    /// Serves POST.
    pub fn post<A>(&mut self, pattern: &str, handler: impl Handler<A>) -> &mut Self {
        self.route(Method::Post, pattern, handler)
    }

    /// Serves PUT.
    pub fn put<A>(&mut self, pattern: &str, handler: impl Handler<A>) -> &mut Self {
        self.route(Method::Put, pattern, handler)
    }

    /// Serves PATCH.
    pub fn patch<A>(&mut self, pattern: &str, handler: impl Handler<A>) -> &mut Self {
        self.route(Method::Patch, pattern, handler)
    }

    /// Serves DELETE.
    pub fn delete<A>(&mut self, pattern: &str, handler: impl Handler<A>) -> &mut Self {
        self.route(Method::Delete, pattern, handler)
    }

    /// Serves any method.
    ///
    /// # Panics
    ///
    /// When the pattern is malformed or clashes with another, or has a handler for this method already: a mistake in the
    /// program, which its first test or its first request shows.
    #[allow(clippy::panic, reason = "a mistake in the program, not in a request")]
    #[track_caller]
    pub fn route<A>(&mut self, method: Method, pattern: &str, handler: impl Handler<A>) -> &mut Self {
        let known = self.routes.iter().position(|route| route.pattern == pattern);
        let index = known.unwrap_or(self.routes.len());
        if known.is_none() {
            if let Err(error) = self.paths.insert(pattern, index) {
                panic!("the route {pattern} can't be added: {error}");
            }
            self.routes.push(Route { pattern: pattern.to_owned(), handlers: Vec::new() });
        }
        if let Some(route) = self.routes.get_mut(index) {
            if route.handler(&method).is_some() {
                panic!("{} {pattern} has two handlers", method.as_str());
            }
            let handler = move |request: &Request, params: &Params| handler.call(request, params);
            route.handlers.push(Served { method, handler: Box::new(handler), headers: Vec::new() });
        }
        self
    }

    /// Lets the answers of a route say that it is not to be used any more.
    pub(crate) fn deprecate(&mut self, method: &Method, pattern: &str, since: Timestamp, sunset: Option<Timestamp>) {
        let Some(route) = self.routes.iter_mut().find(|route| route.pattern == pattern) else { return };
        let Some(served) = route.handlers.iter_mut().find(|served| served.method == *method) else { return };
        served.headers.push(("deprecation", format!("@{}", since.as_seconds())));
        served.headers.extend(sunset.map(|time| ("sunset", time.to_http_date())));
    }

    /// A router that keeps what is said of its routes.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn describing() -> Self {
        Self { draft: Some(Box::default()), ..Self::default() }
    }

    /// In a component nothing is kept.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn describing() -> Self {
        Self::default()
    }

    /// What keeps what is said of the routes, if anything does.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn draft(&mut self) -> Option<&mut Draft> {
        self.draft.as_deref_mut()
    }

    /// Nothing does: what would be said there is no part of the component either.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn draft(&mut self) -> Option<&mut Draft> {
        None
    }

    /// Each method, in lower case, with the pattern that it is served at.
    pub(crate) fn served(&self) -> Vec<(String, String)> {
        let of = |route: &Route| {
            let pattern = route.pattern.clone();
            let methods = route.handlers.iter().map(|served| served.method.as_str().to_ascii_lowercase());
            methods.map(|method| (method, pattern.clone())).collect::<Vec<_>>()
        };
        self.routes.iter().flat_map(of).collect()
    }

    /// Answers a request: by its handler, by 404 where no pattern fits, by 405 with `Allow` where the method is not served.
    ///
    /// The answer to HEAD is the one to GET, body and all: the host sends its length and not the body.
    pub fn handle(&self, request: &Request) -> Response {
        let response = self.dispatch(request).finish(request.request_id());
        request.take_of_answer().into_iter().fold(response, |response, (name, value)| response.header(name, value))
    }

    fn dispatch(&self, request: &Request) -> Response {
        let Ok(found) = self.paths.at(request.path()) else {
            return Problem::not_found("Nothing is served at this path.").into_response();
        };
        let Some(route) = self.routes.get(*found.value) else {
            return Problem::internal("a path without its route").into_response();
        };
        let handler = match request.method() {
            Method::Head => route.handler(&Method::Head).or_else(|| route.handler(&Method::Get)),
            method => route.handler(method),
        };
        match handler {
            Some(served) => {
                let response = (served.handler)(request, &Params(found.params));
                served.headers.iter().fold(response, |response, (name, value)| response.header(*name, value.as_str()))
            }
            None => route.not_allowed(request.method()).into_response(),
        }
    }
}

impl Route {
    fn handler(&self, method: &Method) -> Option<&Served> {
        self.handlers.iter().find(|served| served.method == *method)
    }

    fn not_allowed(&self, method: &Method) -> Problem {
        let mut allowed: Vec<&str> = self.handlers.iter().map(|served| served.method.as_str()).collect();
        if allowed.contains(&"GET") && !allowed.contains(&"HEAD") {
            allowed.push("HEAD");
        }
        let allowed = allowed.join(", ");
        Problem::new(405, "method-not-allowed", "The method is not served here")
            .detail(format!("{} is not served at this path; served are {allowed}.", method.as_str()))
            .header("allow", allowed)
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.routes.iter().map(|route| &route.pattern)).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Path, Text};

    fn ask(router: &Router, method: Method, path: &str) -> Response {
        router.handle(&Request::new(method, path))
    }

    fn sample() -> Router {
        let mut router = Router::new();
        router
            .get("/shops", || "all")
            .post("/shops", || "new")
            .get("/shops/{id}", |Path(id): Path<String>| Text(id))
            .get("/shops/own", || "own")
            .get("/files/{*rest}", |Path(rest): Path<String>| Text(rest));
        router
    }

    #[test]
    fn finds_the_handler_by_method_and_path() {
        let router = sample();
        assert_eq!(ask(&router, Method::Get, "/shops").text(), "all");
        assert_eq!(ask(&router, Method::Post, "/shops").text(), "new");
        assert_eq!(ask(&router, Method::Get, "/shops/own").text(), "own");
        assert_eq!(ask(&router, Method::Get, "/shops/s1").text(), "s1");
        assert_eq!(ask(&router, Method::Get, "/files/a/b.txt").text(), "a/b.txt");
    }

    #[test]
    fn the_query_is_no_part_of_the_path() {
        assert_eq!(ask(&sample(), Method::Get, "/shops?id=/x").text(), "all");
    }

    #[test]
    fn an_unknown_path_is_404() {
        for path in ["/", "/shop", "/shops/", "/shops/a/b"] {
            let response = ask(&sample(), Method::Get, path);
            assert_eq!(response.status(), 404, "{path}");
            assert!(response.text().contains("/problems/not-found"));
            assert!(response.text().contains(r#""request_id":"test""#));
        }
    }

    #[test]
    fn an_unserved_method_is_405_and_tells_which_are_served() {
        let response = ask(&sample(), Method::Delete, "/shops");
        assert_eq!(response.status(), 405);
        assert_eq!(response.header_value("allow"), Some("GET, POST, HEAD"));
        assert!(response.text().contains("/problems/method-not-allowed"));
    }

    #[test]
    fn head_is_answered_as_get_unless_it_has_a_handler() {
        assert_eq!(ask(&sample(), Method::Head, "/shops").text(), "all");
        let mut router = Router::new();
        router.post("/a", || "post");
        assert_eq!(ask(&router, Method::Head, "/a").status(), 405);
        router.get("/a", || "get").route(Method::Head, "/a", || (204, ()));
        assert_eq!(ask(&router, Method::Head, "/a").status(), 204);
    }

    #[test]
    fn serves_methods_of_any_name() {
        let mut router = Router::new();
        router.route(Method::Other("PURGE".into()), "/a", || "purged");
        assert_eq!(ask(&router, Method::Other("PURGE".into()), "/a").text(), "purged");
        let refused = ask(&router, Method::Get, "/a");
        assert_eq!(refused.header_value("allow"), Some("PURGE"));
    }

    #[test]
    #[should_panic(expected = "GET /a has two handlers")]
    fn two_handlers_for_one_route_are_a_mistake() {
        Router::new().get("/a", || "1").get("/a", || "2");
    }

    #[test]
    #[should_panic(expected = "the route /{b} can't be added")]
    fn routes_that_clash_are_a_mistake() {
        Router::new().get("/{a}", || "1").get("/{b}", || "2");
    }

    #[test]
    fn a_handler_takes_the_request_and_up_to_six_extractors() {
        type P = Path<u8>;
        let mut router = Router::new();
        router
            .get("/a/{n}", |r: &Request| r.path().to_owned())
            .get("/b/{n}", |r: &Request, Path(n): P| format!("{} {n}", r.path()))
            .get("/c/{n}", |a: P, b: P, c: P, d: P, e: P, f: P| (a.0 + b.0 + c.0 + d.0 + e.0 + f.0).to_string());
        assert_eq!(ask(&router, Method::Get, "/a/2").text(), "/a/2");
        assert_eq!(ask(&router, Method::Get, "/b/2").text(), "/b/2 2");
        assert_eq!(ask(&router, Method::Get, "/c/2").text(), "12");
    }

    #[test]
    fn an_extractor_adds_to_whatever_is_answered() {
        struct Counted;

        impl crate::FromRequest for Counted {
            fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
                request.add_to_answer("x-left", "3");
                if request.path() == "/refused" { Err(Problem::forbidden("No.")) } else { Ok(Self) }
            }
        }

        let mut router = Router::new();
        router.get("/{page}", |_: Counted, Path(page): Path<String>| page).get("/plain", || "plain");
        for (path, status, left) in
            [("/a", 200, Some("3")), ("/refused", 403, Some("3")), ("/%ff", 400, Some("3")), ("/plain", 200, None)]
        {
            let response = ask(&router, Method::Get, path);
            assert_eq!((response.status(), response.header_value("x-left")), (status, left), "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_answered(path in "/[ -~]{0,40}", method in "[A-Z]{1,8}") {
            let response = ask(&sample(), Method::Other(method), &path);
            prop_assert!(matches!(response.status(), 404 | 405));
        }

        #[test]
        fn a_parameter_comes_out_as_it_was_encoded(id in "\\PC{1,20}") {
            let encoded: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
            let path = format!("/shops/x{}", encoded.replace('+', "%20"));
            let response = ask(&sample(), Method::Get, &path);
            prop_assert_eq!(response.text(), format!("x{id}"));
        }
    }
}
