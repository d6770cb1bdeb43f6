//! The local mailbox: mail that was not sent anywhere, since no mail server is configured.

use askama::Template;
use datamp_sdk::mail::mailbox::{self, Entry};
use datamp_sdk::{Problem, Query, log};
use serde::Deserialize;

use super::frame::Frame;
use super::paging::given;
use super::respond;
use crate::access::{Answer, Visit};

/// Messages on the page; the mailbox has no cursor.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "pages/mail.html")]
struct Mail {
    f: Frame,
    to: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
pub(crate) struct Filter {
    to: Option<String>,
}

/// `GET /admin/mail`
pub(crate) fn list(visit: &Visit, Query(filter): Query<Filter>) -> Answer {
    let to = given(filter.to.as_deref());
    let entries = mailbox::recent(to, SHOWN).map_err(|words| {
        log::warn!("the mailbox: {}", words);
        Problem::unavailable("The mailbox can't be read right now.")
    })?;
    Ok(respond(200, &Mail { f: visit.frame("mail")?, to: to.unwrap_or_default().to_owned(), entries }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;
    use datamp_sdk::mail::Message;

    #[test]
    fn a_message_is_shown_as_text_whatever_it_holds() {
        let message = Message {
            to: "anna@example.com".to_owned(),
            subject: "<b>Code</b>".to_owned(),
            text: "</pre><script>alert(1)</script>".to_owned(),
            html: Some("<h1>".to_owned()),
        };
        let entry = Entry {
            id: "mail_1".to_owned(),
            component: "communication".to_owned(),
            sent_at: "2026-11-23T16:09:05Z".to_owned(),
            message,
        };
        let page = Mail { f: of(Role::Admin, Language::English), to: String::new(), entries: vec![entry] };
        let html = page.render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>Code") && !html.contains("<h1>Code"), "{html}");
        assert!(html.contains("anna@example.com"));
    }
}
