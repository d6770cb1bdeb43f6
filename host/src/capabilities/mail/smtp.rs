//! Mail through an SMTP server (RFC 5321, RFC 6409), by `lettre`.
//!
//! Each message has a connection of its own. `lettre` could keep them in a pool (its feature `pool`), but only its
//! connecting has a time limit, and a send that is given up in the middle of a message puts its connection back: the
//! next message would be read as a part of the first. Without the pool, giving up closes the connection.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Mime, Tokio1Executor,
    message::{Mailbox as Sender, MultiPart, SinglePart},
    transport::smtp,
};
use tokio::sync::Semaphore;

use super::{
    MailError,
    message::{Checked, Message},
};
use crate::capabilities::crypto::random;

/// How many messages are handed over at once, and so how many connections there are.
const MAXIMAL_AT_ONCE: usize = 16;

/// A server that mail is handed to.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Sender,
    places: Semaphore,
}

impl Smtp {
    pub(super) fn new(url: &str, from: Sender) -> Result<Self, smtp::Error> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.build();
        Ok(Self { transport, from, places: Semaphore::new(MAXIMAL_AT_ONCE) })
    }

    /// Hands a message over. Dropping the future gives up.
    pub(super) async fn send(&self, message: Checked) -> Result<String, MailError> {
        let id = random::type_id("mail");
        let mime = self.mime(&id, message).map_err(|error| {
            tracing::warn!(%error, "a message could not be put together");
            MailError::InvalidMessage("the message could not be put together".to_owned())
        })?;
        let _place = self.places.acquire().await;
        match self.transport.send(mime).await {
            Ok(_) => Ok(id),
            Err(error) => Err(told(&error)),
        }
    }

    fn mime(&self, id: &str, Checked { to, message }: Checked) -> Result<Mime, lettre::error::Error> {
        let Message { subject, text, html, .. } = message;
        let builder = Mime::builder()
            .from(self.from.clone())
            .to(Sender::new(None, to))
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date_now();
        match html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
            None => builder.singlepart(SinglePart::plain(text)),
        }
    }
}

/// What the component is told. The server's own words go to the log, and only they: never the message.
fn told(error: &smtp::Error) -> MailError {
    let code = error.status().map(u16::from);
    tracing::warn!(%error, code, "the mail server did not take a message");
    match code {
        // It is the host that is refused here, not the message: it must log in, or encrypt first (RFC 4954, section 6).
        Some(530 | 534 | 535 | 538) => MailError::Unavailable("the mail server does not let the host in".to_owned()),
        Some(code @ 500..=599) => MailError::Rejected(format!("the mail server refused it: {code}")),
        Some(code) => MailError::Unavailable(format!("the mail server can't take it now: {code}")),
        None => MailError::Unavailable("the mail server could not be reached".to_owned()),
    }
}
