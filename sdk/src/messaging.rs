//! Events between components.
//!
//! Published within a transaction, an event is there exactly if the transaction commits:
//!
//! ```no_run
//! use datamp_sdk::{database, prelude::*};
//!
//! # fn f(id: &str) -> Result<(), Problem> {
//! database::transaction(|tx| {
//!     tx.execute("UPDATE parcel SET sent = TRUE WHERE id = $1", params![id])?;
//!     tx.publish("parcels.sent", &serde_json::json!({ "id": id }))
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! A component takes events by a function that it names in [`service!`](crate::service). Each is delivered at least once, some twice, in
//! no promised order:
//!
//! ```no_run
//! use datamp_sdk::{Event, Failure, database, prelude::*};
//!
//! # #[cfg(any())]
//! datamp_sdk::service!("component.toml", routes, subscriber = on_event);
//!
//! #[derive(serde::Deserialize)]
//! struct Sent { id: String }
//!
//! fn on_event(event: &Event) -> Result<(), Failure> {
//!     let sent: Sent = event.json()?;
//!     database::execute(
//!         "INSERT INTO notice (event, parcel) VALUES ($1, $2) ON CONFLICT DO NOTHING",
//!         params![event.id, sent.id],
//!     )?;
//!     Ok(())
//! }
//! ```

use serde::{Serialize, de::DeserializeOwned};

use crate::{Failure, Timestamp, bindings, database::Error, fault::Fault};
use bindings::datamp::messaging::publisher;

/// An event, as a subscriber is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same at each delivery: by it, an event that comes twice is known.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// The component that published it.
    pub publisher: String,
    /// What it says, a JSON text.
    pub payload: String,
    /// When it was published.
    pub published_at: Timestamp,
    /// Counts its deliveries to this component from 1.
    pub attempt: u32,
}

impl Event {
    /// What it says. A payload that does not fit `T` is a [`Failure`] that rejects it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(from_json(&self.payload)?)
    }
}

/// Publishes one event by itself, and answers its id. Within a transaction, use
/// [`Transaction::publish`](crate::database::Transaction::publish).
pub fn publish<T: Serialize + ?Sized>(topic: &str, payload: &T) -> Result<String, Error> {
    let ids = publisher::publish(&[new_event(topic, payload)?]).map_err(refused)?;
    Ok(ids.into_iter().next().unwrap_or_default())
}

pub(crate) fn new_event<T: Serialize + ?Sized>(topic: &str, payload: &T) -> Result<publisher::NewEvent, Error> {
    Ok(publisher::NewEvent { topic: topic.to_owned(), payload: to_json(payload)? })
}

pub(crate) fn refused(error: publisher::PublishError) -> Error {
    match error {
        publisher::PublishError::Database(error) => error.into(),
        publisher::PublishError::InvalidTopic(words)
        | publisher::PublishError::NotGranted(words)
        | publisher::PublishError::InvalidPayload(words)
        | publisher::PublishError::TooMany(words) => Error::Refused(words),
    }
}

pub(crate) fn to_json<T: Serialize + ?Sized>(payload: &T) -> Result<String, Error> {
    serde_json::to_string(payload).map_err(|error| Error::Refused(format!("a payload is no JSON: {error}")))
}

pub(crate) fn from_json<T: DeserializeOwned>(payload: &str) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_str(payload);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let fault = Fault::new(error.into_inner().to_string());
        if field == "." { fault } else { fault.in_field(&field) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Fate;

    #[test]
    fn a_payload_that_does_not_fit_is_rejected_and_its_field_named() {
        #[derive(Debug, serde::Deserialize)]
        struct Sent {
            #[allow(dead_code)]
            id: u32,
        }
        let event = |payload: &str| Event {
            id: "1".into(),
            topic: "a".into(),
            publisher: "b".into(),
            payload: payload.into(),
            published_at: Timestamp::from_seconds(0),
            attempt: 1,
        };
        assert_eq!(event("{\"id\": 7}").json::<Sent>().unwrap().id, 7);
        let failure = event("{\"id\": \"x\"}").json::<Sent>().unwrap_err();
        assert_eq!(failure.fate, Fate::Reject);
        assert!(failure.reason.contains("id: "), "{failure}");
    }
}
