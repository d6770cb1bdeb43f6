//! The letters that people get, from the templates in `templates/`.
//!
//! A text begins with a line `Subject: …` and an empty one. `{{name}}` stands for a value.

use datamp_models::communication::{CODE_LIFETIME, EmailAddress, Language};
use datamp_sdk::mail::Message;

use crate::verification::code::Code;

/// The letter with a code.
///
/// It reads the same for an address that has an account and for one that has none: whoever asks for a code learns neither from
/// the answer nor, looking over a shoulder, from the letter which it is.
pub(crate) fn email_code(to: &EmailAddress, language: Language, code: &Code) -> Message {
    let (text, html) = match language {
        Language::Russian => {
            (include_str!("../templates/email-code.ru.txt"), include_str!("../templates/email-code.ru.html"))
        }
        Language::English => {
            (include_str!("../templates/email-code.en.txt"), include_str!("../templates/email-code.en.html"))
        }
    };
    let minutes = (CODE_LIFETIME.as_secs() / 60).to_string();
    let values = [("code", code.as_str()), ("minutes", minutes.as_str())];
    let (head, text) = text.split_once("\n\n").unwrap_or(("", text));
    Message {
        to: to.as_str().to_owned(),
        subject: fill(head.strip_prefix("Subject: ").unwrap_or(head), &values),
        text: fill(text, &values),
        html: Some(fill(html, &values)),
    }
}

/// Values are digits: nothing in them means anything to HTML.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_shows_the_code_and_how_long_it_lives_and_leaves_no_blank() {
        for (language, subject) in
            [(Language::Russian, "Код подтверждения DataMP"), (Language::English, "Your DataMP confirmation code")]
        {
            let letter = email_code(&"anna@example.com".parse().unwrap(), language, &"012345".parse().unwrap());
            assert_eq!(letter.to, "anna@example.com");
            assert_eq!(letter.subject, subject);
            assert!(!letter.subject.contains("012345"), "a code in the subject is shown on locked screens");
            for body in [letter.text, letter.html.unwrap()] {
                assert!(body.contains("012345"), "{body}");
                assert!(body.contains("10 ми") || body.contains("10 mi"), "{body}");
                assert!(!body.contains("{{") && !body.contains("Subject:"), "{body}");
            }
        }
    }
}
