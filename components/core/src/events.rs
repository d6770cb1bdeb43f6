//! The events that core takes.

use datamp_sdk::{Event, Failure};

use crate::webhooks;

/// Takes one event.
pub fn handle(event: &Event) -> Result<(), Failure> {
    match event.topic.as_str() {
        webhooks::event::RECORDED => webhooks::fan_out::run(),
        other => Err(Failure::reject(format_args!("core takes no events of {other:?}"))),
    }
}
