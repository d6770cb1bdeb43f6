//! Electronic mail.

use crate::Problem;
/// Why a message was not taken.
pub use crate::bindings::datamp::mail::sender::MailError;
/// A message: one address, a subject, the text, and the same in HTML if there is one.
pub use crate::bindings::datamp::mail::types::Message;

/// Hands one message over and answers its id. Needs `datamp:mail/sender` among the manifest's `uses`.
pub fn send(message: &Message) -> Result<String, MailError> {
    crate::bindings::datamp::mail::sender::send(message)
}

impl From<MailError> for Problem {
    fn from(error: MailError) -> Self {
        match error {
            MailError::InvalidAddress(_) => Self::unprocessable("This is not an address that mail can be sent to."),
            MailError::Rejected(words) => {
                crate::log::info!("mail was rejected: {}", words);
                Self::unprocessable("The address does not take mail.")
            }
            MailError::InvalidMessage(words) => Self::internal(format_args!("a message that can't be sent: {words}")),
            MailError::Unavailable(words) => {
                crate::log::warn!("mail: {}", words);
                Self::unavailable("Mail can't be sent right now. Try again.")
            }
        }
    }
}

/// The local mailbox, where mail goes while no SMTP server is configured. Privileged.
pub mod mailbox {
    /// A message that was sent, by whom and when.
    pub use crate::bindings::datamp::mail::mailbox::Entry;

    /// The newest first; `to` narrows it to one address. At most 200.
    pub fn recent(to: Option<&str>, limit: u32) -> Result<Vec<Entry>, String> {
        crate::bindings::datamp::mail::mailbox::recent(to, limit)
    }
}
