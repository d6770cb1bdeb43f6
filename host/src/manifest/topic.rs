//! Names of topics, and what a manifest says of many at once.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The longest name of a topic, in characters.
const LONGEST_TOPIC: usize = 100;

/// The most segments of one.
const MOST_SEGMENTS: usize = 8;

/// What a topic's name looks like, for people.
pub const TOPIC_FORM: &str = "a topic is 1 to 8 segments of a-z, 0-9 and '-', each beginning with a letter, with a '.' between them, at most 100 \
     characters";

/// Whether a text is a topic's name.
#[must_use]
pub fn is_topic(text: &str) -> bool {
    let segment = |segment: &str| {
        segment.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= LONGEST_TOPIC && text.split('.').count() <= MOST_SEGMENTS && text.split('.').all(segment)
}

/// A topic, or with a wildcard all topics below it: `a.b.*` covers `a.b.c` and `a.b.c.d`, and not `a.b`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct TopicPattern {
    /// The topic.
    pub topic: String,
    /// Whether those below it are meant.
    pub wildcard: bool,
}

impl TopicPattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// Says what it must look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (topic, wildcard) = text.strip_suffix(".*").map_or((text, false), |topic| (topic, true));
        if is_topic(topic) {
            Ok(Self { topic: topic.to_owned(), wildcard })
        } else {
            Err(format!("{text:?} is no topic: {TOPIC_FORM}; with '.*' at its end, all topics below it are meant"))
        }
    }

    /// Whether it covers a topic.
    #[must_use]
    pub fn covers(&self, topic: &str) -> bool {
        if self.wildcard {
            topic.strip_prefix(self.topic.as_str()).is_some_and(|rest| rest.starts_with('.'))
        } else {
            topic == self.topic
        }
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.topic, if self.wildcard { ".*" } else { "" })
    }
}

impl<'de> Deserialize<'de> for TopicPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_topic_and_what_is_not() {
        for topic in ["a", "a.b", "alpha.beta.gamma", "a-1.b2", &format!("a{}", "b".repeat(99)), "a.a.a.a.a.a.a.a"] {
            assert!(is_topic(topic), "{topic}");
        }
        for text in ["", ".", "a.", ".a", "a..b", "A", "a.B", "1a", "a.-b", "a b", "a.*", "*", "é", "a.a.a.a.a.a.a.a.a"]
        {
            assert!(!is_topic(text), "{text}");
        }
        assert!(!is_topic(&"a".repeat(101)));
    }

    #[test]
    fn a_wildcard_covers_what_is_below() {
        let pattern = TopicPattern::parse("a.b.*").unwrap();
        assert!(pattern.covers("a.b.c") && pattern.covers("a.b.c.d"));
        assert!(!pattern.covers("a.b") && !pattern.covers("a.bc.d") && !pattern.covers("a"));
        let pattern = TopicPattern::parse("a.b").unwrap();
        assert!(pattern.covers("a.b") && !pattern.covers("a.b.c"));
        for text in ["*", ".*", "a.*.b", "a*", "a.**"] {
            assert!(TopicPattern::parse(text).unwrap_err().contains("no topic"), "{text}");
        }
    }
}
