//! The control panel, as a browser without scripts uses it: cookies, pages and the forms on them.

use http::header::SET_COOKIE;

use crate::{
    host::Host,
    http::{Answer, Outgoing, PATIENCE},
};

/// The password of all members of staff.
const PASSWORD: &str = "a violet lantern, seventh canal";

/// A member of staff who is signed in.
#[derive(Clone, Debug)]
pub struct Member {
    /// The cookie, `name=token`.
    cookie: String,
}

impl Member {
    /// The first administrator, on a host that has none.
    pub async fn first(host: &Host) -> Self {
        let one_time = host.control.secret("admin", "first-password").await;
        let mut member = Self::sign_in(host, "admin", &one_time).await;
        let fields = [("name", "Olga"), ("password", PASSWORD), ("repeated", PASSWORD)];
        let answer = member.submit(host, "/admin/welcome", "/admin/welcome", &fields).await.expect(303);
        member.take_cookie(&answer);
        member
    }

    /// Somebody new with a role, whom this administrator adds, and who has set a password of their own.
    pub async fn add(&self, host: &Host, login: &str, role: &str) -> Self {
        let fields = [("login", login), ("name", login), ("role", role)];
        let shown = self.submit(host, "/admin/staff", "/admin/staff", &fields).await.expect(201).text();
        let secret = shown.split("data-secret").nth(1).unwrap();
        let one_time = between(secret, "data-copy=\"", "\"");
        let mut member = Self::sign_in(host, login, &one_time).await;
        let fields = [("password", PASSWORD), ("repeated", PASSWORD)];
        let answer = member.submit(host, "/admin/password", "/admin/password", &fields).await.expect(303);
        member.take_cookie(&answer);
        member.get(host, "/admin").await.expect(200);
        member
    }

    async fn sign_in(host: &Host, login: &str, password: &str) -> Self {
        let page = host.get("/admin/login").await.expect(200);
        let mut member = Self { cookie: String::new() };
        member.take_cookie(&page);
        let fields = [("login", login), ("password", password)];
        let answer = member.submit(host, "/admin/login", "/admin/login", &fields).await.expect(303);
        member.take_cookie(&answer);
        member
    }

    fn take_cookie(&mut self, answer: &Answer) {
        let set = answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        if let Some(cookie) = set.filter_map(|line| line.split(';').next()).find(|pair| pair.contains("datamp-admin="))
        {
            self.cookie = cookie.to_owned();
        }
    }

    /// Looks at a page.
    pub async fn get(&self, host: &Host, path: &str) -> Answer {
        host.send(Outgoing::get(path).header("cookie", &self.cookie).header("accept-language", "en")).await
    }

    /// A form that is on a page, with what the page fills in and what is typed into it.
    pub async fn form(&self, host: &Host, page: &str, fields: &[(&str, &str)]) -> Form {
        let html = self.get(host, page).await.expect(200).text();
        let mut all: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for hidden in ["csrf", "operation"] {
            let mark = format!("name=\"{hidden}\" value=\"");
            if html.contains(&mark) {
                all.push((hidden.to_owned(), between(&html, &mark, "\"")));
            }
        }
        Form { cookie: self.cookie.clone(), fields: all }
    }

    /// A form that was filled in elsewhere, sent by this member.
    #[must_use]
    pub fn filled(&self, fields: Vec<(String, String)>) -> Form {
        Form { cookie: self.cookie.clone(), fields }
    }

    /// Fills in a form and sends it.
    pub async fn submit(&self, host: &Host, page: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
        self.form(host, page, fields).await.send(host, to).await
    }
}

/// A form that was filled in.
#[derive(Clone, Debug)]
pub struct Form {
    cookie: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// Sends it.
    pub async fn send(&self, host: &Host, to: &str) -> Answer {
        self.request(to).send(host.public, PATIENCE).await.unwrap()
    }

    /// The request that sends it.
    #[must_use]
    pub fn request(&self, to: &str) -> Outgoing {
        let body: Vec<String> =
            self.fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        Outgoing::new("POST", to)
            .header("cookie", &self.cookie)
            .header("accept-language", "en")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
    }
}

/// What stands between two marks, the first time.
#[must_use]
pub fn between(text: &str, start: &str, end: &str) -> String {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    rest.split_once(end).unwrap().0.to_owned()
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
