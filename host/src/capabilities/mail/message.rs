//! A message, and what makes it one that can be sent.

use lettre::Address;

use super::MailError;

/// The longest message, in bytes: subject, text and HTML together.
const MAXIMAL_MESSAGE: usize = 256 << 10;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, less the brackets).
const MAXIMAL_ADDRESS: usize = 254;

/// The longest subject, in bytes: a header line of RFC 5322 holds no more.
const MAXIMAL_SUBJECT: usize = 900;

/// A message to one address.
#[derive(Clone, Debug)]
pub struct Message {
    /// The address, `name@example.com`.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text that every reader can show.
    pub text: String,
    /// The same in HTML, if there is one.
    pub html: Option<String>,
}

/// A message whose address and length were checked.
pub(super) struct Checked {
    pub(super) to: Address,
    pub(super) message: Message,
}

impl Message {
    /// Checks the address, the subject and the length. Nothing that passes can begin another header or another command.
    pub(super) fn check(self) -> Result<Checked, MailError> {
        let to = address(&self.to).ok_or_else(|| {
            let shown: String =
                self.to.chars().take(MAXIMAL_ADDRESS).map(|c| if c.is_control() { '?' } else { c }).collect();
            MailError::InvalidAddress(format!("{shown:?} is no address"))
        })?;
        if self.subject.chars().any(char::is_control) {
            return Err(MailError::InvalidMessage(
                "the subject has a line break or another control character".to_owned(),
            ));
        }
        if self.subject.len() > MAXIMAL_SUBJECT {
            return Err(MailError::InvalidMessage(format!("the subject is longer than {MAXIMAL_SUBJECT} bytes")));
        }
        if self.subject.len() + self.text.len() + self.html.as_ref().map_or(0, String::len) > MAXIMAL_MESSAGE {
            return Err(MailError::InvalidMessage(format!("the message is longer than {MAXIMAL_MESSAGE} bytes")));
        }
        Ok(Checked { to, message: self })
    }
}

/// `local@domain` with a plain local part (the dot-atom of RFC 5322) and a domain of at least two labels, in ASCII:
/// what reaches a mailbox everywhere. Neither quoted names nor addresses of machines.
fn address(text: &str) -> Option<Address> {
    let (local, domain) = text.split_once('@')?;
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let plain = |part: &str| !part.is_empty() && part.bytes().all(atom);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let deep = domain.contains('.')
        && !domain.split('.').next_back().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit()));
    let valid = text.len() <= MAXIMAL_ADDRESS
        && local.len() <= 64
        && local.split('.').all(plain)
        && deep
        && domain.split('.').all(label);
    if valid { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, subject: &str) -> Message {
        Message { to: to.to_owned(), subject: subject.to_owned(), text: "text".to_owned(), html: None }
    }

    #[test]
    fn addresses_that_mail_can_be_sent_to() {
        for to in
            ["a@example.com", "first.last+tag@mail.example.co.uk", "o'brien@example.com", "a@xn--e1afmkfd.xn--p1ai"]
        {
            assert!(message(to, "s").check().is_ok(), "{to}");
        }
        for to in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b",
            "a@localhost",
            "a@example..com",
            "a@.example.com",
            "a@example.com.",
            "a@-example.com",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "\"a b\"@example.com",
            "A <a@example.com>",
            "a@example.com, b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com\n",
            "a\0@example.com",
            "a@b@example.com",
            "имя@example.com",
            "a@example.com>\r\nRCPT TO:<b@example.com",
        ] {
            assert!(matches!(message(to, "s").check(), Err(MailError::InvalidAddress(_))), "{to:?}");
        }
        assert!(message(&format!("{}@example.com", "a".repeat(65)), "s").check().is_err());
        assert!(message(&format!("a@{}example.com", "a.".repeat(130)), "s").check().is_err());
    }

    #[test]
    fn a_subject_is_one_line() {
        assert!(message("a@example.com", "Код: 123456 ✓").check().is_ok());
        for subject in ["a\r\nBcc: b@example.com", "a\n", "a\rb", "a\0b", "a\u{85}b", &"a".repeat(901)] {
            let refused = message("a@example.com", subject).check();
            assert!(matches!(refused, Err(MailError::InvalidMessage(_))), "{subject:?}");
        }
    }

    #[test]
    fn a_message_has_at_most_256_kib() {
        let mut long = message("a@example.com", "");
        long.text = "a".repeat(128 << 10);
        long.html = Some("a".repeat(128 << 10));
        assert!(long.clone().check().is_ok());
        long.subject = "s".to_owned();
        assert!(matches!(long.check(), Err(MailError::InvalidMessage(_))));
    }
}
