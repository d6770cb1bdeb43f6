//! The body of an answer, within its limits.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};

use super::outbound::SendError;

/// The longest body of an answer, in bytes.
pub(super) const MAXIMAL_ANSWER: u64 = 8 << 20;

/// When the whole of an answer must be there, and how long it may pause.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) until: Instant,
    pub(super) pause: Option<Duration>,
}

impl Patience {
    fn next(self) -> Instant {
        let pause = self.pause.and_then(|pause| Instant::now().checked_add(pause));
        pause.map_or(self.until, |pause| pause.min(self.until))
    }
}

/// The body of an answer as it arrives: an error ends it when it grows too long or takes too long.
pub(super) struct Answer {
    incoming: Incoming,
    left: u64,
    patience: Patience,
    late: Pin<Box<Sleep>>,
    /// Its place among the exchanges that are under way.
    _place: OwnedSemaphorePermit,
}

impl Answer {
    pub(super) fn new(incoming: Incoming, patience: Patience, place: OwnedSemaphorePermit) -> Result<Self, SendError> {
        // Where the length is told in advance, nothing is read in vain.
        if incoming.size_hint().lower() > MAXIMAL_ANSWER {
            return Err(SendError::TooLarge(MAXIMAL_ANSWER));
        }
        let late = Box::pin(sleep_until(patience.next()));
        Ok(Self { incoming, left: MAXIMAL_ANSWER, patience, late, _place: place })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = this.left.checked_sub(length) else {
                    return Poll::Ready(Some(Err(SendError::TooLarge(MAXIMAL_ANSWER))));
                };
                this.left = left;
                if this.patience.pause.is_some() {
                    this.late.as_mut().reset(this.patience.next());
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, "an answer broke off");
                let words = "the connection broke before the answer was whole".to_owned();
                Poll::Ready(Some(Err(SendError::Connection(words))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => this.late.as_mut().poll(context).map(|()| Some(Err(SendError::Timeout))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
