//! The tokens of a statement, as PostgreSQL and SQLite split it: exact for comments, strings, names and parameters; all
//! else (numbers, operators) is of no interest here.

use crate::capabilities::database::sql::Dialect;

/// A token that matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token<'a> {
    /// A keyword or a name without quotes.
    Word(&'a str),
    /// A name in quotes, without them.
    Quoted(&'a str),
    /// `U&"..."` of PostgreSQL: a name with escapes in it.
    EscapedIdentifier,
    /// `$1`: the digits.
    Parameter(&'a str),
    /// A parameter in another form, as SQLite knows some.
    ForeignParameter(&'a str),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `;`
    Semicolon,
    /// A string, a number, an operator.
    Other,
}

/// Splits a text into tokens.
pub(super) struct Lexer<'a> {
    dialect: Dialect,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(dialect: Dialect, text: &'a str) -> Self {
        Self { dialect, rest: text }
    }

    /// Takes that many bytes; all of the rest where that is not the border of a character.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn second(&self) -> u8 {
        self.rest.as_bytes().get(1).copied().unwrap_or(0)
    }

    /// How long a run of characters of a name is at the start of a text.
    fn name_length(text: &str) -> usize {
        let of_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'$' || *b >= 0x80;
        text.bytes().take_while(|b| of_name(b)).count()
    }

    /// Up to and with the closing quote; a doubled one is part of the text. All of the rest where none closes.
    fn quoted_length(text: &str, close: u8, backslash_escapes: bool) -> usize {
        let bytes = text.as_bytes();
        let mut at = 1;
        while let Some(&byte) = bytes.get(at) {
            if backslash_escapes && byte == b'\\' {
                at += 2;
            } else if byte == close {
                // A `]` is never doubled.
                if close != b']' && bytes.get(at + 1) == Some(&close) {
                    at += 2;
                } else {
                    return at + 1;
                }
            } else {
                at += 1;
            }
        }
        text.len()
    }

    /// A carriage return ends one in PostgreSQL, and does not in SQLite.
    fn skip_line_comment(&mut self) {
        let ends = |c: char| c == '\n' || (c == '\r' && self.dialect == Dialect::Postgresql);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        self.take(end);
    }

    /// Comments nest in PostgreSQL, and don't in SQLite.
    fn skip_block_comment(&mut self) {
        let bytes = self.rest.as_bytes();
        let mut depth = 1_usize;
        let mut at = 2;
        while depth > 0 && at < bytes.len() {
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    at += 2;
                }
                (Some(b'/'), Some(b'*')) if self.dialect == Dialect::Postgresql => {
                    depth += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        self.take(at);
    }

    fn quoted_name(&mut self, close: u8) -> Token<'a> {
        let length = Self::quoted_length(self.rest, close, false);
        let text = self.take(length);
        Token::Quoted(text.get(1..text.len().saturating_sub(1)).unwrap_or(""))
    }

    fn string(&mut self, backslash_escapes: bool) -> Token<'a> {
        let length = Self::quoted_length(self.rest, b'\'', backslash_escapes);
        self.take(length);
        Token::Other
    }

    fn dollar(&mut self) -> Token<'a> {
        let after = self.rest.get(1..).unwrap_or("");
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if self.dialect == Dialect::Sqlite {
            // SQLite goes on: `$a::b(c)` is one parameter.
            let name = Self::name_length(after);
            if digits > 0 && name == digits && !after.get(digits..).is_some_and(|t| t.starts_with("::")) {
                self.take(1);
                return Token::Parameter(self.take(digits));
            }
            return Token::ForeignParameter(self.take(1 + name));
        }
        if digits > 0 {
            self.take(1);
            return Token::Parameter(self.take(digits));
        }
        // A dollar-quoted string: $tag$ ... $tag$.
        let tag = after.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80).count();
        if after.as_bytes().get(tag) == Some(&b'$') {
            let mark = self.take(tag + 2);
            let end = self.rest.find(mark).map_or(self.rest.len(), |at| at + mark.len());
            self.take(end);
        } else {
            self.take(1);
        }
        Token::Other
    }

    fn word(&mut self) -> Token<'a> {
        let length = Self::name_length(self.rest);
        let word = self.take(length);
        let next = self.rest.as_bytes().first().copied();
        let prefix = |p: &str| word.eq_ignore_ascii_case(p);
        match (self.dialect, next) {
            (Dialect::Postgresql, Some(b'\'')) if prefix("E") => self.string(true),
            (Dialect::Postgresql, Some(b'\'')) if prefix("B") || prefix("X") || prefix("N") => self.string(false),
            (Dialect::Sqlite, Some(b'\'')) if prefix("X") => self.string(false),
            (Dialect::Postgresql, Some(b'&')) if prefix("U") && self.second() == b'"' => {
                self.take(1);
                self.quoted_name(b'"');
                Token::EscapedIdentifier
            }
            (Dialect::Postgresql, Some(b'&')) if prefix("U") && self.second() == b'\'' => {
                self.take(1);
                self.string(false)
            }
            _ => Token::Word(word),
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let first = *self.rest.as_bytes().first()?;
            let sqlite = self.dialect == Dialect::Sqlite;
            return Some(match first {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                    self.take(1);
                    continue;
                }
                b'-' if self.second() == b'-' => {
                    self.skip_line_comment();
                    continue;
                }
                b'/' if self.second() == b'*' => {
                    self.skip_block_comment();
                    continue;
                }
                b'\'' => self.string(false),
                b'"' => self.quoted_name(b'"'),
                b'`' if sqlite => self.quoted_name(b'`'),
                b'[' if sqlite => self.quoted_name(b']'),
                b'$' => self.dollar(),
                b'?' | b':' | b'@' | b'#' if sqlite => {
                    let name = Self::name_length(self.rest.get(1..).unwrap_or(""));
                    Token::ForeignParameter(self.take(1 + name))
                }
                b'(' => {
                    self.take(1);
                    Token::Open
                }
                b')' => {
                    self.take(1);
                    Token::Close
                }
                b';' => {
                    self.take(1);
                    Token::Semicolon
                }
                b'0'..=b'9' => {
                    let length = Self::name_length(self.rest);
                    self.take(length);
                    Token::Other
                }
                b if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => self.word(),
                _ => {
                    self.take(1);
                    Token::Other
                }
            });
        }
    }
}
