//! Texts that people write, within their limits.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Not a text that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidText {
    /// The most characters it may have.
    pub longest: usize,
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be 1 to {} characters, none of them a control character", self.longest)
    }
}

/// 1 to `LONGEST` characters (Unicode scalar values) after white space at both ends was cut off, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const LONGEST: usize>(String);

impl<const LONGEST: usize> Text<LONGEST> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// White space, as a class of a regular expression has it: Unicode's property, which [`str::trim`] goes by.
const SPACE: &str = r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// Control characters: Unicode's category `Cc`.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";

/// White space is cut off before anything is counted, which a length can't say: the pattern does.
impl<const LONGEST: usize> JsonSchema for Text<LONGEST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text{LONGEST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (edge, inner) = (format!("[^{SPACE}{CONTROL}]"), format!("[^{CONTROL}]"));
        let longest = LONGEST.saturating_sub(2);
        json_schema!({
            "type": "string",
            "minLength": 1,
            "pattern": format!("^[{SPACE}]*{edge}(?:{inner}{{0,{longest}}}{edge})?[{SPACE}]*$"),
            "x-longest": LONGEST,
        })
    }
}

impl<const LONGEST: usize> TryFrom<String> for Text<LONGEST> {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(InvalidText { longest: LONGEST });
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const LONGEST: usize> From<Text<LONGEST>> for String {
    fn from(text: Text<LONGEST>) -> String {
        text.0
    }
}

/// The address of a page that a person is sent to: an absolute `https:` or `http:` URL of at most 2,048 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebAddress(String);

/// Not such an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidWebAddress;

impl fmt::Display for InvalidWebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be an absolute http or https URL of at most 2048 bytes, percent-encoded")
    }
}

impl WebAddress {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for WebAddress {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WebAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let host = r"[!$-.0-9;=A-\[\]_a-z~][!$-.0-;=A-\[\]_a-z~]*";
        json_schema!({
            "type": "string",
            "maxLength": 2048,
            "pattern": format!(r"^https?://{host}(?:[/?#][!#-;=?-\[\]_a-z~]*)?$"),
            "examples": ["https://shop.example/paid?order=1042"],
        })
    }
}

impl TryFrom<String> for WebAddress {
    type Error = InvalidWebAddress;

    fn try_from(text: String) -> Result<Self, InvalidWebAddress> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(InvalidWebAddress)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A name before an `@` makes one host look like another.
        let host_is_plain = !authority.is_empty() && !authority.starts_with(':') && !authority.contains('@');
        // What may stand in a URL is ASCII and visible (RFC 3986, section 2).
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && !br#"<>"\^`{|}"#.contains(&byte));
        if host_is_plain && visible && text.len() <= 2048 { Ok(Self(text)) } else { Err(InvalidWebAddress) }
    }
}

impl From<WebAddress> for String {
    fn from(address: WebAddress) -> String {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_counted_in_characters() {
        let read = |text: &str| Text::<5>::try_from(text.to_owned()).map(String::from);
        assert_eq!(read(" лавка\n").as_deref(), Ok("лавка"));
        for wrong in ["", "   ", "лавка1", "a\nb", "a\u{0}", "a\u{7f}b", "a\u{85}b"] {
            assert_eq!(read(wrong), Err(InvalidText { longest: 5 }), "{wrong:?}");
        }
    }

    #[test]
    fn web_addresses_are_absolute_and_name_a_host() {
        for right in ["https://shop.example", "http://localhost:8080/back?order=1#paid", "https://[::1]/"] {
            assert!(WebAddress::try_from(right.to_owned()).is_ok(), "{right}");
        }
        let long = format!("https://shop.example/{}", "a".repeat(2048));
        for wrong in [
            "",
            "shop.example",
            "/back",
            "//shop.example",
            "ftp://shop.example",
            "javascript:alert(1)",
            "https://",
            "https:///path",
            "https://:80/",
            "https://shop.example@evil.example/",
            "https://shop.example/a b",
            "https://shop.example/\r\nx",
            "https://магазин.example/",
            "https://shop.example/<b>",
            &long,
        ] {
            assert!(WebAddress::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
