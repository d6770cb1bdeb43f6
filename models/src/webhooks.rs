//! What core keeps of webhooks: endpoints of the shops' own systems, events, and deliveries of one to the other.

use serde::Serialize;

use crate::core::named;
use crate::typed_id;

typed_id! {
    /// An endpoint that events are sent to.
    WebhookEndpointId, "whe";
    /// An event; within an endpoint also the id of its delivery.
    WebhookEventId, "evt";
}

named! {
    /// What happened. A name that was published keeps its meaning.
    WebhookEventType {
        /// A payment moved its money at once.
        PaymentSucceeded = "payment.succeeded",
        /// A payment reserved its money.
        PaymentHeld = "payment.held",
        /// What a payment had reserved was moved, all or a part of it.
        PaymentCaptured = "payment.captured",
        /// What a payment had reserved was released, because somebody said so.
        PaymentVoided = "payment.voided",
        /// What a payment had reserved was released, because its time was over.
        PaymentExpired = "payment.expired",
        /// Money of a payment went back.
        RefundSucceeded = "refund.succeeded",
        /// A top-up was credited.
        TopUpSucceeded = "top-up.succeeded",
        /// The provider said that the money of a top-up won't come.
        TopUpFailed = "top-up.failed",
        /// The provider said nothing of a top-up in time.
        TopUpExpired = "top-up.expired",
        /// The shop can't spend any more.
        ShopFrozen = "shop.frozen",
        /// It can again.
        ShopUnfrozen = "shop.unfrozen",
        /// It is over.
        ShopClosed = "shop.closed",
        /// Nothing: somebody tries an endpoint.
        EndpointTest = "endpoint.test",
    }

    /// Whether an endpoint is sent anything.
    WebhookEndpointStatus {
        /// It is.
        Enabled = "enabled",
        /// It is not.
        Disabled = "disabled",
        /// It is not, and nobody sees it any more.
        Deleted = "deleted",
    }

    /// Why an endpoint is disabled.
    WebhookDisabledBecause {
        /// The shop said so.
        Requested = "requested",
        /// It answered 410.
        Gone = "gone",
        /// Everything failed for days.
        Failing = "failing",
    }

    /// Where a delivery stands.
    WebhookDeliveryStatus {
        /// It is to be attempted.
        Pending = "pending",
        /// An attempt succeeded.
        Delivered = "delivered",
        /// It is not attempted any more, unless somebody replays it.
        Dead = "dead",
    }

    /// Why a delivery is dead.
    WebhookDeadBecause {
        /// All attempts failed.
        AttemptsExhausted = "attempts-exhausted",
        /// The endpoint answered 410.
        Gone = "gone",
        /// The endpoint was disabled or deleted meanwhile.
        EndpointDisabled = "endpoint-disabled",
    }
}
