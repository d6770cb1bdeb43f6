//! The code itself: six digits, and nothing that tells one from another.

use std::fmt;
use std::str::FromStr;

/// How many digits a code has; ASVS 6.5.4 names six random ones as enough.
pub const DIGITS: usize = 6;

const CODES: u32 = 1_000_000;

/// A code. It is shown in the letter alone: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// The code that random words make: the first that is below the greatest multiple of 10^6, so that each code is as
    /// likely as any other. `None` where no word is, which happens once in 10^14 times.
    pub fn from_random(words: [u32; 4]) -> Option<Self> {
        const FAIR: u32 = u32::MAX - u32::MAX % CODES;
        let word = words.into_iter().find(|word| *word < FAIR)?;
        Some(Self(format!("{:0DIGITS$}", word % CODES)))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was typed can't be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACode;

impl FromStr for Code {
    type Err = NotACode;

    /// Takes the digits as people copy them: with spaces or a hyphen among or around them.
    fn from_str(text: &str) -> Result<Self, NotACode> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(DIGITS + 1).collect();
        if digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(NotACode)
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(******)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_keeps_its_leading_zeros() {
        assert_eq!(Code::from_random([42, 0, 0, 0]).unwrap().as_str(), "000042");
        assert_eq!(Code::from_random([3_000_007, 0, 0, 0]).unwrap().as_str(), "000007");
    }

    #[test]
    fn a_word_that_would_favour_low_codes_is_passed_over() {
        assert_eq!(Code::from_random([u32::MAX, 4_294_000_000, 4_293_999_999, 5]).unwrap().as_str(), "999999");
        assert_eq!(Code::from_random([u32::MAX; 4]), None);
    }

    #[test]
    fn a_code_is_taken_as_people_copy_it() {
        for text in ["123456", " 123456\n", "123 456", "123-456", "12 34 56"] {
            assert_eq!(text.parse::<Code>().unwrap().as_str(), "123456");
        }
        for text in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "+12345", "123.456"] {
            assert_eq!(text.parse::<Code>(), Err(NotACode), "{text:?}");
        }
    }

    #[test]
    fn debug_tells_no_digit() {
        assert!(!format!("{:?}", "123456".parse::<Code>().unwrap()).contains('1'));
    }

    proptest! {
        #[test]
        fn every_code_can_be_typed(words: [u32; 4]) {
            if let Some(code) = Code::from_random(words) {
                prop_assert_eq!(code.as_str().len(), DIGITS);
                prop_assert_eq!(code.as_str().parse::<Code>().unwrap(), code);
            }
        }
    }
}
