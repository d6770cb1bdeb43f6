//! What extractors take, and how they refuse the rest.

use serde::Deserialize;

use crate::{
    Bearer, Body, ClientAddress, Form, FromRequest, Headers, IdempotencyKey, IntoResponse, Json, Method, Params, Path,
    Problem, Query, Request, RequestId, Response, Router,
};

fn extract<T: FromRequest>(request: &Request) -> Result<T, Problem> {
    let mut any = matchit::Router::new();
    any.insert("/", ()).unwrap();
    T::from_request(request, &Params(any.at("/").unwrap().params))
}

fn document(problem: &Problem) -> serde_json::Value {
    problem.document("r")
}

fn post(content_type: &str, body: &str) -> Request {
    Request::new(Method::Post, "/").with_body(content_type, body)
}

fn refusal<T: FromRequest>(request: &Request) -> (u16, serde_json::Value) {
    let problem = extract::<T>(request).err().expect("this is to be refused");
    (problem.status(), document(&problem))
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Order {
    amount: i64,
    note: Option<String>,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Item {
    price: u8,
}

mod json {
    use super::*;

    fn refused(body: &str) -> (u16, String, String) {
        let (status, document) = refusal::<Json<Order>>(&post("application/json", body));
        let error = &document["errors"][0];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        (status, text(&error["field"]), text(&error["detail"]))
    }

    #[test]
    fn takes_what_fits() {
        let order = extract::<Json<Order>>(&post("application/json; charset=utf-8", r#"{"amount":5}"#));
        assert_eq!(order.unwrap().0, Order { amount: 5, note: None, items: vec![] });
        assert!(extract::<Json<Order>>(&post("Application/Vnd.Order+JSON", r#"{"amount":5}"#)).is_ok());
    }

    #[test]
    fn refuses_another_content_type_and_none() {
        let twice = post("application/json", "{}").with_header("content-type", "application/json");
        for request in [post("text/plain", "{}"), post("image/svg+json", "{}"), twice, Request::new(Method::Post, "/")]
        {
            let (status, document) = refusal::<Json<Order>>(&request);
            assert_eq!(status, 415);
            assert!(document["type"].as_str().unwrap().ends_with("/unsupported-media-type"));
        }
    }

    #[test]
    fn refuses_a_body_that_is_compressed_and_says_what_is_taken() {
        let order = post("application/json", r#"{"amount":5}"#);
        assert!(extract::<Json<Order>>(&order.clone().with_header("content-encoding", "Identity")).is_ok());
        for coding in ["gzip", "identity, gzip", ""] {
            let problem = extract::<Json<Order>>(&order.clone().with_header("content-encoding", coding)).err().unwrap();
            assert_eq!((problem.status(), problem.slug()), (415, "unsupported-content-encoding"), "{coding}");
            let answer = problem.into_response().finish("r");
            assert_eq!(answer.header_value("accept-encoding"), Some("identity"));
        }
        let form = post("application/x-www-form-urlencoded", "amount=5").with_header("content-encoding", "br");
        assert_eq!(refusal::<Form<Order>>(&form).0, 415);
    }

    #[test]
    fn says_of_a_body_as_a_whole_what_it_must_be() {
        for (body, what) in [("null", "null"), ("1", "1"), ("[]", "an array"), (r#""x""#, "a string")] {
            let (status, document) = refusal::<Json<Order>>(&post("application/json", body));
            assert_eq!((status, &document["errors"]), (422, &serde_json::Value::Null), "{body}");
            assert_eq!(document["detail"], format!("The body must be an object, not {what}."));
        }
    }

    #[test]
    fn tells_where_the_text_is_no_json() {
        let (status, document) = refusal::<Json<Order>>(&post("application/json", "{\n  \"amount\": ,\n}"));
        assert_eq!(status, 400);
        assert_eq!((&document["line"], &document["column"]), (&2.into(), &13.into()));
        assert_eq!(document["detail"], "expected value, at line 2, column 13.");
        let (status, document) = refusal::<Json<Order>>(&post("application/json", ""));
        assert_eq!((status, &document["detail"]), (400, &"The body is empty.".into()));
        let (_, document) = refusal::<Json<Order>>(&post("application/json", r#"{"amount"#));
        assert_eq!(document["detail"], "the body ends within a string, at line 1, column 8.");
        assert_eq!(refusal::<Json<Order>>(&post("application/json", r#"{"amount":1} x"#)).0, 400);
    }

    #[test]
    fn names_the_field_that_does_not_fit() {
        assert_eq!(
            refused(r#"{"amount":1,"items":[{"price":1},{"price":300}]}"#),
            (422, "items[1].price".into(), "must be a whole number from 0 to 255, not 300".into())
        );
        assert_eq!(
            refused(r#"{"amount":"5"}"#),
            (422, "amount".into(), "must be a whole number of 64 bits, not a string".into())
        );
    }

    #[test]
    fn names_the_field_that_is_missing_unknown_or_doubled() {
        assert_eq!(refused("{}"), (422, "amount".into(), "is missing".into()));
        assert_eq!(refused(r#"{"amount":1,"items":[{}]}"#), (422, "items[0].price".into(), "is missing".into()));
        assert_eq!(refused(r#"{"amount":1,"admin":true}"#), (422, "admin".into(), "is not known".into()));
        assert_eq!(refused(r#"{"amount":1,"amount":2}"#), (422, "amount".into(), "is given more than once".into()));
    }

    #[test]
    fn refuses_a_time_that_is_none_by_its_field() {
        #[derive(Debug, Deserialize)]
        struct When {
            #[allow(dead_code)]
            at: crate::Timestamp,
        }
        for body in [r#"{"at":"yesterday"}"#, r#"{"at":1700000000000000}"#] {
            let (status, document) = refusal::<Json<When>>(&post("application/json", body));
            assert_eq!((status, &document["errors"][0]["field"]), (422, &"at".into()), "{body}");
        }
    }

    #[test]
    fn nothing_sent_is_none_and_something_wrong_is_a_problem() {
        let none = extract::<Option<Json<Order>>>(&Request::new(Method::Post, "/"));
        assert_eq!(none.unwrap(), None);
        assert_eq!(refusal::<Option<Json<Order>>>(&post("application/json", "{")).0, 400);
    }
}

mod url {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Page {
        limit: Option<u32>,
        search: Option<String>,
        #[serde(default)]
        tag: Vec<String>,
        sort: Option<Sort>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Sort {
        Newest,
        OldestFirst,
    }

    fn query(query: &str) -> Result<Page, Problem> {
        extract::<Query<Page>>(&Request::new(Method::Get, &format!("/?{query}"))).map(|page| page.0)
    }

    #[test]
    fn takes_a_query() {
        let page = query("limit=10&search=caf%C3%A9+au+lait&tag=a&tag=b&sort=oldest_first&other=1").unwrap();
        assert_eq!(page.limit, Some(10));
        assert_eq!(page.search.as_deref(), Some("café au lait"));
        assert_eq!(page.tag, ["a", "b"]);
        assert_eq!(page.sort, Some(Sort::OldestFirst));
        let empty = Page { limit: None, search: None, tag: vec![], sort: None };
        assert_eq!(query("").unwrap(), empty);
        let without = extract::<Query<Page>>(&Request::new(Method::Get, "/")).unwrap();
        assert_eq!(without.0, empty);
    }

    #[test]
    fn refuses_a_query_by_the_name_of_the_parameter() {
        for (text, field, detail) in [
            ("limit=many", "limit", "must be a whole number from 0 to 4294967295"),
            ("limit=%2B1", "limit", "must be a whole number from 0 to 4294967295"),
            ("limit=-1", "limit", "must be a whole number from 0 to 4294967295"),
            ("limit=1&limit=2", "limit", "is given more than once"),
            ("sort=odd", "sort", "unknown variant `odd`, expected `newest` or `oldest_first`"),
        ] {
            let problem = query(text).unwrap_err();
            assert_eq!(problem.status(), 400);
            let error = &document(&problem)["errors"][0];
            assert_eq!((&error["field"], &error["detail"]), (&field.into(), &detail.into()));
        }
    }

    #[test]
    fn names_a_parameter_that_is_missing() {
        #[derive(Debug, Deserialize)]
        struct Wanted {
            #[allow(dead_code)]
            code: String,
        }
        let (status, document) = refusal::<Query<Wanted>>(&Request::new(Method::Get, "/?state=1"));
        assert_eq!(status, 400);
        assert_eq!(document["errors"][0]["field"], "code");
        assert_eq!(document["errors"][0]["detail"], "is missing");
    }

    #[test]
    fn takes_pairs_and_maps_too() {
        use std::collections::BTreeMap;
        let request = Request::new(Method::Get, "/?a=1&b=2");
        let map = extract::<Query<BTreeMap<String, u8>>>(&request).unwrap().0;
        assert_eq!(map, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    }

    #[test]
    fn takes_a_form_and_refuses_one_that_does_not_fit() {
        const TYPE: &str = "application/x-www-form-urlencoded";
        let form = extract::<Form<Page>>(&post(TYPE, "limit=3&search=a%26b")).unwrap().0;
        assert_eq!((form.limit, form.search.as_deref()), (Some(3), Some("a&b")));
        let (status, document) = refusal::<Form<Page>>(&post(TYPE, "limit=x"));
        assert_eq!((status, &document["errors"][0]["field"]), (422, &"limit".into()));
        assert_eq!(refusal::<Form<Page>>(&post("application/json", "{}")).0, 415);
    }

    #[test]
    fn a_form_holds_a_thousand_values_and_no_more() {
        const TYPE: &str = "application/x-www-form-urlencoded";
        let form = |count: usize| post(TYPE, &"tag=x&".repeat(count));
        assert_eq!(extract::<Form<Page>>(&form(1000)).unwrap().0.tag.len(), 1000);
        assert_eq!(refusal::<Form<Page>>(&form(1001)).0, 422);
    }
}

mod path {
    use super::*;

    fn ask<A>(pattern: &str, path: &str, handler: impl crate::handler::Handler<A>) -> Response {
        let mut router = Router::new();
        router.get(pattern, handler);
        router.handle(&Request::new(Method::Get, path))
    }

    #[test]
    fn takes_a_value_a_tuple_or_a_struct() {
        #[derive(Deserialize)]
        struct Both {
            shop: String,
            number: u32,
        }
        let pattern = "/s/{shop}/n/{number}";
        let tuple = ask(pattern, "/s/a/n/7", |Path((shop, number)): Path<(String, u32)>| format!("{shop} {number}"));
        assert_eq!(tuple.text(), "a 7");
        let named = ask(pattern, "/s/a/n/7", |Path(both): Path<Both>| format!("{} {}", both.shop, both.number));
        assert_eq!(named.text(), "a 7");
        let single = ask("/n/{number}", "/n/-4", |Path(number): Path<i8>| number.to_string());
        assert_eq!(single.text(), "-4");
    }

    #[test]
    fn decodes_what_is_percent_encoded() {
        let answer = |path: &str| ask("/f/{name}", path, |Path(name): Path<String>| name);
        assert_eq!(answer("/f/a%2Fb%20%D1%8F+").text(), "a/b я+");
        let refused = answer("/f/%ff");
        assert_eq!(refused.status(), 400);
        assert!(refused.text().contains(r#""field":"name""#));
    }

    #[test]
    fn refuses_what_does_not_fit_by_name() {
        let refused = ask("/n/{number}", "/n/x", |Path(number): Path<u8>| number.to_string());
        assert_eq!(refused.status(), 400);
        assert!(refused.text().contains(r#"{"field":"number","detail":"must be a whole number from 0 to 255"}"#));

        #[derive(Deserialize)]
        #[serde(try_from = "String")]
        struct Never;
        impl TryFrom<String> for Never {
            type Error = &'static str;

            fn try_from(_: String) -> Result<Self, Self::Error> {
                Err("is never right")
            }
        }
        let refused = ask("/n/{number}", "/n/x", |Path(_): Path<Never>| ());
        assert!(refused.text().contains(r#"{"field":"number","detail":"is never right"}"#));
    }

    #[test]
    fn tells_when_the_handler_takes_another_number_of_parameters() {
        let refused = ask("/{a}/{b}", "/1/2", |Path(a): Path<String>| a);
        assert!(refused.text().contains("takes one path parameter, the route has 2"));
        let refused = ask("/{a}", "/1", |Path((a, _)): Path<(String, u8)>| a);
        assert!(refused.text().contains("takes 2 path parameters, the route has 1"));
    }
}

mod fields {
    use super::*;

    fn with(name: &str, value: &str) -> Request {
        Request::new(Method::Get, "/").with_header(name, value)
    }

    #[test]
    fn takes_a_bearer_token() {
        for value in ["Bearer t0k.en", "bearer   t0k.en "] {
            assert_eq!(extract::<Bearer>(&with("Authorization", value)).unwrap().0, "t0k.en");
        }
        for request in [
            Request::new(Method::Get, "/"),
            with("authorization", "Bearer "),
            with("authorization", "Bearer"),
            with("authorization", "Basic dTpw"),
            with("authorization", "Bearer a").with_header("authorization", "Bearer b"),
        ] {
            let problem = extract::<Bearer>(&request).err().unwrap();
            assert_eq!(problem.status(), 401);
            let response = problem.into_response().finish("r");
            assert_eq!(response.header_value("www-authenticate"), Some("Bearer"));
        }
    }

    #[test]
    fn an_optional_token_may_be_absent_but_not_malformed() {
        assert!(extract::<Option<Bearer>>(&Request::new(Method::Get, "/")).unwrap().is_none());
        assert_eq!(refusal::<Option<Bearer>>(&with("authorization", "x")).0, 401);
    }

    #[test]
    fn the_token_does_not_show_when_it_is_printed() {
        assert!(!format!("{:?}", Bearer("secret".into())).contains("secret"));
    }

    #[test]
    fn takes_an_idempotency_key_quoted_or_not() {
        for value in ["k-1", "\"k-1\"", " k-1 "] {
            let key = extract::<IdempotencyKey>(&with("idempotency-key", value)).unwrap();
            assert_eq!(key.0, "k-1");
        }
        let longest = "k".repeat(255);
        assert!(extract::<IdempotencyKey>(&with("idempotency-key", &longest)).is_ok());
    }

    #[test]
    fn refuses_an_idempotency_key_that_is_missing_doubled_empty_too_long_or_not_ascii() {
        let (status, document) = refusal::<IdempotencyKey>(&Request::new(Method::Get, "/"));
        assert_eq!(status, 400);
        assert!(document["type"].as_str().unwrap().ends_with("/idempotency-key-missing"));
        let twice = with("idempotency-key", "a").with_header("idempotency-key", "a");
        assert_eq!(refusal::<IdempotencyKey>(&twice).0, 400);
        for value in ["", "\"\"", "ключ", "a\tb", &"k".repeat(256)] {
            let (status, document) = refusal::<IdempotencyKey>(&with("idempotency-key", value));
            assert_eq!(status, 400, "{value}");
            assert!(document["type"].as_str().unwrap().ends_with("/idempotency-key-invalid"));
        }
    }

    #[test]
    fn takes_headers_the_body_and_what_the_host_says() {
        let request = with("X-A", "1").with_header("x-a", "2").with_body("text/plain", "hi");
        let headers = extract::<Headers>(&request).unwrap();
        assert_eq!(headers.get("x-a"), Some("1"));
        assert_eq!(headers.get_all("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers.get("x-b"), None);
        assert_eq!(headers.iter().count(), 3);
        assert_eq!(extract::<Body>(&request).unwrap().0, b"hi");
        assert_eq!(extract::<ClientAddress>(&request).unwrap().0, "127.0.0.1");
        assert_eq!(extract::<RequestId>(&request).unwrap().0, "test");
        assert_eq!(extract::<Request>(&request).unwrap().path(), "/");
    }

    #[test]
    fn a_handler_may_take_the_problem_itself() {
        let own = extract::<Result<Bearer, Problem>>(&Request::new(Method::Get, "/")).unwrap();
        assert_eq!(own.err().unwrap().status(), 401);
    }
}
