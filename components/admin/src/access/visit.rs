//! One request, and whom it comes from.

use std::cell::RefCell;
use std::sync::OnceLock;

use datamp_sdk::crypto::signatures::SignatureError;
use datamp_sdk::{Problem, Request, Response, Timestamp, environment, log};

use super::headers::protect;
use super::{Refusal, Who};
use crate::audit::Origin;
use crate::i18n::{Language, choice};
use crate::pages::frame::Frame;
use crate::pages::notice::Notice;
use crate::sessions::cookie::{Transport, is_token};
use crate::sessions::{Member, Session, store, token};

/// What a page's handler answers.
pub(crate) type Answer = Result<Response, Refusal>;

/// One request, and whom it comes from.
#[derive(Debug)]
pub(crate) struct Visit {
    request: Request,
    language: Language,
    now: Timestamp,
    /// The session's, or that of a visitor who is not signed in: forms are bound to it either way.
    token: String,
    session: Option<Session>,
    /// The token that the answer sets as a cookie.
    new_token: RefCell<Option<String>>,
}

impl Visit {
    /// `by_hand` is false for what a page asks for by itself.
    pub(super) fn begin(request: &Request, by_hand: bool) -> Result<Self, Problem> {
        let now = Timestamp::now();
        let known = cookie(request, transport().cookie_name()).filter(|value| is_token(value));
        let (token, session, new_token) = match known {
            Some(token) => {
                let session = Session::resume(&token, now, by_hand)?;
                (token, session, None)
            }
            None => {
                let token = token::new();
                (token.clone(), None, Some(token))
            }
        };
        let language = language_of(request);
        Ok(Self { request: request.clone(), language, now, token, session, new_token: RefCell::new(new_token) })
    }

    /// Whom it comes from.
    pub(super) fn who(&self) -> Who {
        self.session.as_ref().map_or(Who::Stranger, Session::who)
    }

    /// Whether a form's token is the one of this visit.
    pub(super) fn knows(&self, form_token: &str) -> Result<bool, SignatureError> {
        token::is_own_form(&self.token, form_token)
    }

    /// Sets the cookie, if there is one to set, and the security headers.
    pub(super) fn finish(self, response: Response) -> Response {
        let transport = transport();
        let response = match self.new_token.into_inner() {
            Some(token) => response.cookie(transport.cookie(&token)),
            None => response,
        };
        protect(response, transport.secure)
    }

    /// The request itself.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// When it came.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The session, if there is a good one.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Who is signed in; there is somebody on every page that needs a member of staff.
    pub(crate) fn member(&self) -> Result<&Member, Refusal> {
        self.session.as_ref().and_then(|session| session.member.as_ref()).ok_or_else(Refusal::signed_out)
    }

    /// Gives the browser another token, so that one that somebody planted or learnt is worth nothing.
    pub(crate) fn renew(&self, token: String) {
        self.new_token.replace(Some(token));
    }

    /// Leaves a message for the next page.
    pub(crate) fn leave(&self, notice: &Notice) -> Result<(), Refusal> {
        match &self.session {
            Some(session) => Ok(store::leave_notice(&session.hash, Some(&notice.to_json()))?),
            None => Ok(()),
        }
    }

    /// For the audit.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            client_address: self.request.client_address().to_owned(),
            request_id: self.request.request_id().to_owned(),
        }
    }

    /// Path and query, to come back to.
    pub(crate) fn here(&self) -> String {
        match self.request.query() {
            Some(query) => format!("{}?{query}", self.request.path()),
            None => self.request.path().to_owned(),
        }
    }

    /// What stands around a page of this section. Takes the message that was left for it.
    pub(crate) fn frame(&self, section: &'static str) -> Result<Frame, SignatureError> {
        let member =
            self.session.as_ref().and_then(|session| session.member.as_ref()).filter(|member| !member.one_time);
        Ok(Frame {
            language: self.language,
            section,
            here: self.here(),
            csrf: token::form(&self.token)?,
            member: member.cloned(),
            notice: self.take_notice(),
        })
    }

    /// The same for a part of a page, which has no forms and takes no message away.
    pub(crate) fn part(&self) -> Frame {
        let member = self.session.as_ref().and_then(|session| session.member.clone());
        Frame { member, ..Frame::bare(self.language) }
    }

    fn take_notice(&self) -> Option<Notice> {
        let session = self.session.as_ref()?;
        let json = session.notice.as_deref()?;
        // Shown twice is better than a page that fails.
        if let Err(error) = store::leave_notice(&session.hash, None) {
            log::warn!("a notice stays: {}", error);
        }
        Notice::from_json(json)
    }
}

/// The language of a request.
pub(crate) fn language_of(request: &Request) -> Language {
    Language::choose(cookie(request, choice::COOKIE).as_deref(), request.header("accept-language"))
}

/// How the panel is reached. It can't change while an instance lives.
pub(crate) fn transport() -> Transport {
    static TRANSPORT: OnceLock<Transport> = OnceLock::new();
    *TRANSPORT.get_or_init(|| Transport::of(&environment::describe().public_url))
}

fn cookie(request: &Request, name: &str) -> Option<String> {
    request
        .header_values("cookie")
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}
