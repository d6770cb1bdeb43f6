//! A request as handlers and extractors see it.

use std::cell::RefCell;
use std::rc::Rc;

pub use crate::bindings::datamp::http::types::Method;
use crate::bindings::datamp::http::types::Request as Raw;

impl Method {
    /// The method's token as it stands in a request line, `GET`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
            Self::Other(token) => token,
        }
    }
}

/// A request that came in, whole. Cloning it is cheap: the clones share it.
#[derive(Clone, Debug)]
pub struct Request(Rc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    raw: Raw,
    /// Header fields that its answer gets, whichever it is.
    of_answer: RefCell<Vec<(String, String)>>,
}

impl Request {
    /// A request made by hand, for tests: `Request::new(Method::Get, "/core/v1/shops?limit=10")`.
    ///
    /// Its id is `test`, its client's address `127.0.0.1`.
    pub fn new(method: Method, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Self::from_raw(Raw {
            method,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: Vec::new(),
            body: Vec::new(),
            request_id: "test".to_owned(),
            client_address: "127.0.0.1".to_owned(),
        })
    }

    /// The same request with one more header field; the name is made lower case, as the host does it.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        Rc::make_mut(&mut self.0).raw.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The same request with a body and its content type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Rc::make_mut(&mut self.0).raw.body = body.into();
        self.with_header("content-type", content_type)
    }

    pub(crate) fn from_raw(raw: Raw) -> Self {
        Self(Rc::new(Inner { raw, of_answer: RefCell::default() }))
    }

    /// Adds a header field to the answer of this request, whatever it will be: for extractors, which don't see the answer.
    pub fn add_to_answer(&self, name: impl Into<String>, value: impl Into<String>) {
        self.0.of_answer.borrow_mut().push((name.into(), value.into()));
    }

    /// Takes what was added to the answer.
    pub(crate) fn take_of_answer(&self) -> Vec<(String, String)> {
        self.0.of_answer.take()
    }

    /// The request method.
    pub fn method(&self) -> &Method {
        &self.0.raw.method
    }

    /// The path, percent-encoded as the client sent it. It begins with `/`.
    pub fn path(&self) -> &str {
        &self.0.raw.path
    }

    /// What follows the first `?`, percent-encoded; `None` where there was no `?`.
    pub fn query(&self) -> Option<&str> {
        self.0.raw.query.as_deref()
    }

    /// The first value of a header field. `name` is to be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    /// Every value of a header field, in order. `name` is to be in lower case.
    pub fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.raw.headers.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The header section: names in lower case, with their values, in order.
    pub fn headers(&self) -> &[(String, String)] {
        &self.0.raw.headers
    }

    /// The whole body.
    pub fn body(&self) -> &[u8] {
        &self.0.raw.body
    }

    /// The host's id of this request. It stands in every log record and problem document of the request.
    pub fn request_id(&self) -> &str {
        &self.0.raw.request_id
    }

    /// The address of the client (IPv4 or IPv6, no port).
    pub fn client_address(&self) -> &str {
        &self.0.raw.client_address
    }
}

/// What a path's `{name}` segments were, still percent-encoded.
#[derive(Debug)]
pub struct Params<'a>(pub(crate) matchit::Params<'a, 'a>);

impl<'a> Params<'a> {
    /// The value of a parameter as it stood in the path, percent-encoded.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The parameters in the order of the path: name and percent-encoded value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + '_ {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the path has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
