//! `datamp:mail`: through SMTP where it is configured, else into the local mailbox.

mod host;
mod mailbox;
mod message;
mod smtp;

#[cfg(test)]
mod tests;

use lettre::message::Mailbox as Sender;
use sqlx::AnyPool;
use tokio::time::{Instant, timeout_at};

pub use host::add_to_linker;
pub use mailbox::{Mail, Mailbox};
pub use message::Message;

use self::smtp::Smtp;

/// How mail leaves the host.
#[derive(Clone, Default)]
pub struct MailSettings {
    /// `smtps://user:password@server`, or `smtp://server?tls=required` for STARTTLS; without `tls`, plain. `None`: mail
    /// goes into the local mailbox.
    pub smtp_url: Option<String>,
    /// Who the mail is from: `name@example.com` or `Name <name@example.com>`. Needed for SMTP.
    pub from: Option<String>,
}

/// The settings of mail are malformed.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// The URL is malformed. What it holds is not told: a password may be in it.
    #[error("the SMTP URL is malformed: write smtps://user:password@server or smtp://server?tls=required")]
    Url,
    /// SMTP without a sender, or with a malformed one.
    #[error("for SMTP, say who mail is from: name@example.com or Name <name@example.com>")]
    From,
}

/// Why a message was not handed over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MailError {
    /// Not an address that mail can be sent to.
    #[error("{0}")]
    InvalidAddress(String),
    /// The message is too long, or its subject has a line break.
    #[error("{0}")]
    InvalidMessage(String),
    /// The server refused it for good.
    #[error("{0}")]
    Rejected(String),
    /// It could not be handed over now.
    #[error("{0}")]
    Unavailable(String),
}

/// Hands mail over.
pub struct Mailer {
    smtp: Option<Smtp>,
    mailbox: Mailbox,
}

impl Mailer {
    /// A mailer with these settings. The pool is the host's own store, for the local mailbox.
    ///
    /// # Errors
    /// A setting is malformed.
    pub fn new(settings: &MailSettings, pool: AnyPool) -> Result<Self, MailSettingsError> {
        let smtp = match &settings.smtp_url {
            None => None,
            Some(url) => {
                let from = settings.from.as_deref().ok_or(MailSettingsError::From)?;
                let from: Sender = from.parse().map_err(|_| MailSettingsError::From)?;
                Some(Smtp::new(url, from).map_err(|_| MailSettingsError::Url)?)
            }
        };
        Ok(Self { smtp, mailbox: Mailbox::new(pool) })
    }

    /// Hands a message of a component over, and answers its id.
    ///
    /// # Errors
    /// See [`MailError`]. After `Unavailable` because of the deadline the server may have taken the message
    /// nevertheless.
    pub async fn send(&self, component: &str, message: Message, deadline: Instant) -> Result<String, MailError> {
        let message = message.check()?;
        let late = || MailError::Unavailable("the message was not taken in time".to_owned());
        let handed_over = async {
            match &self.smtp {
                Some(smtp) => smtp.send(message).await,
                None => self.mailbox.keep(component, message).await.map_err(|error| {
                    tracing::error!(component, %error, "mail can't be kept");
                    MailError::Unavailable("the mailbox can't be reached".to_owned())
                }),
            }
        };
        timeout_at(deadline, handed_over).await.unwrap_or_else(|_| Err(late()))
    }

    /// The local mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}
