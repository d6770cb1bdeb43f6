//! HTTP for the web platform and the mobile apps: `/gate`.
//!
//! | | |
//! | --- | --- |
//! | `POST /gate/v1/register` | 202, for known and unknown addresses alike |
//! | `POST /gate/v1/email/verify`, `/email/resend` | the code in the letter |
//! | `POST /gate/v1/login`, `/refresh`, `/logout` | sessions |
//! | `GET /gate/v1/me` | the user who is logged in |
//! | `GET /gate/.well-known/jwks.json` | the keys that access tokens are signed with |
//! | `POST, GET /gate/v1/shops`, `GET /gate/v1/shops/{id}` | the user's shops, with their balances |
//! | `POST, GET /gate/v1/shops/{id}/api-keys`, `DELETE …/{key}` | a shop's API keys |

mod language;
mod sessions;
mod shops;
mod users;

use datamp_models::communication::EmailAddress;
use datamp_sdk::{Problem, Router};
use serde::Serialize;

/// Adds the routes.
pub(crate) fn routes(router: &mut Router) {
    router.post("/gate/v1/register", users::register);
    router.post("/gate/v1/email/verify", users::verify_email);
    router.post("/gate/v1/email/resend", users::resend);
    router.get("/gate/v1/me", users::me);

    router.post("/gate/v1/login", sessions::log_in);
    router.post("/gate/v1/refresh", sessions::refresh);
    router.post("/gate/v1/logout", sessions::log_out);
    router.get("/gate/.well-known/jwks.json", sessions::public_keys);

    router.get("/gate/v1/shops", shops::list).post("/gate/v1/shops", shops::create);
    router.get("/gate/v1/shops/{id}", shops::get);
    router
        .get("/gate/v1/shops/{id}/api-keys", shops::api_keys)
        .post("/gate/v1/shops/{id}/api-keys", shops::create_api_key);
    router.delete("/gate/v1/shops/{id}/api-keys/{key}", shops::revoke_api_key);
}

/// A list, in the form that all lists of the platform have.
#[derive(Serialize)]
struct List<T> {
    data: Vec<T>,
    has_more: bool,
}

impl<T> List<T> {
    fn whole(data: Vec<T>) -> Self {
        Self { data, has_more: false }
    }
}

/// The address in the field `email`.
fn email(text: &str) -> Result<EmailAddress, Problem> {
    text.parse().map_err(|error| Problem::unprocessable("This is no email address.").field("email", format!("{error}")))
}

#[cfg(test)]
mod tests {
    use datamp_sdk::{Method, Request};

    use super::*;

    fn ask(request: &Request) -> (u16, String) {
        let mut router = Router::new();
        routes(&mut router);
        let answer = router.handle(request);
        (answer.status(), answer.text().into_owned())
    }

    fn post(path: &str, body: &str) -> (u16, String) {
        ask(&Request::new(Method::Post, path).with_body("application/json", body))
    }

    #[test]
    fn what_is_no_address_is_refused_and_the_field_is_named() {
        for (path, body) in [
            ("/gate/v1/register", r#"{"email": "anna", "password": "correct horse battery"}"#),
            ("/gate/v1/email/verify", r#"{"email": "anna", "code": "123456"}"#),
            ("/gate/v1/email/resend", r#"{"email": "anna"}"#),
            ("/gate/v1/login", r#"{"email": "anna", "password": "x", "client": "web"}"#),
        ] {
            let (status, body) = post(path, body);
            assert_eq!(status, 422, "{path}");
            assert!(body.contains(r#""field":"email""#), "{path}: {body}");
        }
    }

    #[test]
    fn a_weak_password_is_refused_before_anything_is_looked_up() {
        for password in ["short", "password1", "anna@example.com"] {
            let (status, body) =
                post("/gate/v1/register", &format!(r#"{{"email": "anna@example.com", "password": "{password}"}}"#));
            assert_eq!(status, 422);
            assert!(body.contains(r#""field":"password""#), "{body}");
        }
    }

    #[test]
    fn an_unknown_client_is_refused() {
        let (status, body) =
            post("/gate/v1/login", r#"{"email": "anna@example.com", "password": "x", "client": "tv"}"#);
        assert_eq!(status, 422);
        assert!(body.contains(r#""field":"client""#), "{body}");
    }

    #[test]
    fn an_endless_password_is_not_hashed() {
        let body = format!(r#"{{"email": "anna@example.com", "password": "{}", "client": "web"}}"#, "x".repeat(1025));
        let (status, body) = post("/gate/v1/login", &body);
        assert_eq!(status, 422);
        assert!(body.contains(r#""field":"password""#), "{body}");
    }

    #[test]
    fn a_form_of_another_site_is_no_login() {
        let form =
            Request::new(Method::Post, "/gate/v1/login").with_body("text/plain", r#"{"email": "a@example.com"}"#);
        assert_eq!(ask(&form).0, 415);
    }

    #[test]
    fn a_refresh_without_a_token_is_unauthorised() {
        let (status, body) = ask(&Request::new(Method::Post, "/gate/v1/refresh"));
        assert_eq!(status, 401);
        assert!(body.contains("invalid-refresh-token"), "{body}");
    }

    #[test]
    fn what_is_no_token_is_refused_in_a_body_and_in_a_cookie() {
        assert_eq!(post("/gate/v1/refresh", r#"{"refresh_token": "nonsense"}"#).0, 401);
        let cookie =
            Request::new(Method::Post, "/gate/v1/refresh").with_header("cookie", "__Secure-datamp-refresh=nonsense");
        assert_eq!(ask(&cookie).0, 401);
    }

    #[test]
    fn a_user_s_own_things_want_a_token() {
        let shop = "/gate/v1/shops/shop_01h455vb4pex5vsknk084sn02q";
        for (method, path) in [
            (Method::Get, "/gate/v1/me".to_owned()),
            (Method::Get, "/gate/v1/shops".to_owned()),
            (Method::Post, "/gate/v1/shops".to_owned()),
            (Method::Get, shop.to_owned()),
            (Method::Get, format!("{shop}/api-keys")),
            (Method::Post, format!("{shop}/api-keys")),
            (Method::Delete, format!("{shop}/api-keys/key_01h455vb4pex5vsknk084sn02q")),
        ] {
            assert_eq!(ask(&Request::new(method, &path)).0, 401, "{path}");
        }
    }
}
