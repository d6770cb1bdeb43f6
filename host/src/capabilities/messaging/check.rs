//! What is wrong with events before they are published.

use super::publisher::{NewEvent, PublishError};
use crate::manifest::{MessagingNeeds, TOPIC_FORM, is_topic};

/// The most events of one call.
pub(crate) const MOST: usize = 100;

/// The longest payload, in bytes.
pub(crate) const LONGEST_PAYLOAD: usize = 256 << 10;

/// The most bytes of payload of one call.
pub(crate) const LONGEST_CALL: usize = 4 << 20;

/// What is wrong with a payload, if anything is.
pub(crate) fn payload(text: &str) -> Option<String> {
    if text.len() > LONGEST_PAYLOAD {
        return Some(format!("has {} bytes, and at most 256 KiB are taken", text.len()));
    }
    // PostgreSQL keeps no NUL, which JSON only has escaped.
    serde_json::from_str::<serde::de::IgnoredAny>(text).err().map(|error| format!("is no JSON: {error}"))
}

/// Checks events.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(events: &[NewEvent], needs: &MessagingNeeds) -> Result<(), PublishError> {
    if events.len() > MOST {
        return Err(PublishError::TooMany(format!("{} events, and at most {MOST} are taken at once", events.len())));
    }
    let bytes: usize = events.iter().map(|event| event.payload.len()).sum();
    for (number, event) in events.iter().enumerate() {
        if !is_topic(&event.topic) {
            let shown: String = event.topic.chars().take(100).collect();
            return Err(PublishError::InvalidTopic(format!("{shown:?}: {TOPIC_FORM}")));
        }
        if !needs.publishes.iter().any(|pattern| pattern.covers(&event.topic)) {
            return Err(PublishError::NotGranted(format!(
                "the manifest does not name {} under messaging.publishes",
                event.topic
            )));
        }
        if let Some(problem) = payload(&event.payload) {
            return Err(PublishError::InvalidPayload(format!("the payload of event {number} {problem}")));
        }
    }
    if bytes > LONGEST_CALL {
        return Err(PublishError::TooMany(format!("{bytes} bytes of payloads, and at most 4 MiB are taken at once")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::TopicPattern;

    fn event(topic: &str, payload: &str) -> NewEvent {
        NewEvent { topic: topic.to_owned(), payload: payload.to_owned() }
    }

    #[test]
    fn every_fault_has_its_name() {
        let publishes = ["a.b", "c.*"].map(|text| TopicPattern::parse(text).unwrap()).into();
        let needs = MessagingNeeds { publishes, ..MessagingNeeds::default() };
        let outcome = |events: &[NewEvent]| check(events, &needs);
        outcome(&[]).unwrap();
        outcome(&[event("a.b", "{}"), event("c.d", "null"), event("c.d.e", "[1]")]).unwrap();
        let longest = format!("\"{}\"", "x".repeat(LONGEST_PAYLOAD - 2));
        outcome(&[event("a.b", &longest)]).unwrap();

        assert!(matches!(outcome(&[event("A", "{}")]), Err(PublishError::InvalidTopic(_))));
        assert!(matches!(outcome(&[event("", "{}")]), Err(PublishError::InvalidTopic(_))));
        for topic in ["a", "a.b.c", "c", "d"] {
            assert!(matches!(outcome(&[event(topic, "{}")]), Err(PublishError::NotGranted(_))), "{topic}");
        }
        for payload in ["", "{", "{} {}", "\u{0}", &format!("{longest} ")] {
            let error = outcome(&[event("a.b", "1"), event("a.b", payload)]);
            assert!(
                matches!(&error, Err(PublishError::InvalidPayload(words)) if words.contains("event 1")),
                "{error:?}"
            );
        }
        let many = |count| vec![event("a.b", "1"); count];
        outcome(&many(MOST)).unwrap();
        assert!(matches!(outcome(&many(MOST + 1)), Err(PublishError::TooMany(_))));
        assert!(matches!(outcome(&vec![event("a.b", &longest); 17]), Err(PublishError::TooMany(_))));
    }
}
