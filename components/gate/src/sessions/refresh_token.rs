//! Refresh tokens: made from a session's id and a place in its sequence by a key that only the host has.
//!
//! Nothing of a token is stored: the table holds the place of the active one, which makes no token without the key. That is less
//! than a hash would tell, and the active token can be answered again when a reply was lost. To clients a token is
//! opaque: any text of at most 200 characters.

use datamp_models::gate::SessionId;
use datamp_sdk::crypto::signatures::{self, Key, SignatureError};
use datamp_sdk::{Problem, id};

const KEY: Key<'static> = Key::Own("refresh-token");

/// A token that is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The family that it belongs to.
    pub session: String,
    /// Its place in the family, from 1.
    pub sequence: i64,
}

impl RefreshToken {
    fn message(&self) -> String {
        format!("{}.{}", self.session, self.sequence)
    }

    /// The token, as the client gets it.
    pub fn sign(&self) -> Result<String, SignatureError> {
        let message = self.message();
        let code = signatures::sign(KEY, message.as_bytes())?;
        Ok(format!("{message}.{}", hex::encode(code)))
    }

    /// Reads a token that this service made; `None` for any other text.
    pub fn verify(text: &str) -> Result<Option<Self>, Problem> {
        let Some((token, code)) = Self::parse(text) else {
            return Ok(None);
        };
        Ok(signatures::verify(KEY, token.message().as_bytes(), &code)?.then_some(token))
    }

    /// What the text says that it is, and the code that is to prove it. One token has one text.
    fn parse(text: &str) -> Option<(Self, [u8; 32])> {
        let (message, code) = text.rsplit_once('.')?;
        let (session, sequence) = message.split_once('.')?;
        id::parse(SessionId::PREFIX, session).ok()?;
        let token = Self { session: session.to_owned(), sequence: sequence.parse().ok().filter(|place| *place >= 1)? };
        let mut bytes = [0; 32];
        hex::decode_to_slice(code, &mut bytes).ok()?;
        (token.message() == message && hex::encode(bytes) == code).then_some((token, bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(session: &str, sequence: &str, code: &str) -> String {
        format!("{session}.{sequence}.{code}")
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let session = id::new("ses");
        let (token, code) = RefreshToken::parse(&text(&session, "17", &"ab".repeat(32))).unwrap();
        assert_eq!(token, RefreshToken { session, sequence: 17 });
        assert_eq!(code, [0xab; 32]);
    }

    #[test]
    fn another_spelling_of_a_token_is_none() {
        let (session, code) = (id::new("ses"), "ab".repeat(32));
        assert!(RefreshToken::parse(&text(&session, "1", &code)).is_some());
        for wrong in [
            text(&session, "01", &code),
            text(&session, "+1", &code),
            text(&session, "0", &code),
            text(&session, "-1", &code),
            text(&session, "99999999999999999999", &code),
            text(&session, "", &code),
            text(&session, "1.1", &code),
            text(&session, "1", &code.to_uppercase()),
            text(&session, "1", &code[..62]),
            text(&session, "1", ""),
            text(&id::new("user"), "1", &code),
            text(&session.to_uppercase(), "1", &code),
            format!(" {}", text(&session, "1", &code)),
        ] {
            assert_eq!(RefreshToken::parse(&wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = RefreshToken::parse(&text);
        }
    }
}
