//! `datamp:mail` as components call it.

use tokio::time::timeout_at;
use wasmtime::component::{HasSelf, Linker};

use super::{Mail, MailError, Message};
use crate::{
    bindings::platform::datamp::mail::{
        mailbox::{self, Entry},
        sender::{self, MailError as WitError},
        types::{self, Message as WitMessage},
    },
    engine::InstanceState,
    telemetry::clock::rfc3339,
};

/// Links `datamp:mail` and the types it uses.
///
/// # Errors
/// The linker has one of the interfaces already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    sender::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    mailbox::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)
}

impl types::Host for InstanceState {}

impl From<MailError> for WitError {
    fn from(error: MailError) -> Self {
        match error {
            MailError::InvalidAddress(problem) => Self::InvalidAddress(problem),
            MailError::InvalidMessage(problem) => Self::InvalidMessage(problem),
            MailError::Rejected(problem) => Self::Rejected(problem),
            MailError::Unavailable(problem) => Self::Unavailable(problem),
        }
    }
}

impl sender::Host for InstanceState {
    async fn send(&mut self, message: WitMessage) -> wasmtime::Result<Result<String, WitError>> {
        let WitMessage { to, subject, text, html } = message;
        let component = self.component.manifest.name.as_str();
        let mailer = &self.component.capabilities.platform.mailer;
        let sent = mailer.send(component, Message { to, subject, text, html }, self.call.deadline).await;
        Ok(sent.map_err(Into::into))
    }
}

impl mailbox::Host for InstanceState {
    async fn recent(&mut self, to: Option<String>, limit: u32) -> wasmtime::Result<Result<Vec<Entry>, String>> {
        let mailbox = self.component.capabilities.platform.mailer.mailbox();
        let recent = timeout_at(self.call.deadline, mailbox.recent(to.as_deref(), limit)).await;
        Ok(match recent {
            Ok(Ok(mail)) => Ok(mail.into_iter().map(Into::into).collect()),
            Ok(Err(error)) => {
                tracing::error!(%error, "the mailbox can't be read");
                Err("the mailbox can't be reached".to_owned())
            }
            Err(_) => Err("the mailbox did not answer in time".to_owned()),
        })
    }
}

impl From<Mail> for Entry {
    fn from(mail: Mail) -> Self {
        let Message { to, subject, text, html } = mail.message;
        Self {
            id: mail.id,
            component: mail.component,
            sent_at: rfc3339(mail.sent_at),
            message: WitMessage { to, subject, text, html },
        }
    }
}
