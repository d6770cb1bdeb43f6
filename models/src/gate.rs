//! What gate keeps: users and where they stand, their sessions, and their roles in shops.

use serde::Serialize;

use crate::core::named;
use crate::typed_id;

typed_id! {
    /// A user of web and mobile.
    UserId, "user";
    /// A login and what followed from it.
    SessionId, "ses";
    /// Something that happened in a user's life.
    UserEventId, "uev";
}

named! {
    /// Where a user stands. What leads from one to the other is gate's to say.
    UserState {
        /// Has an account; nothing of it is proven.
        Registered = "registered",
        /// Has proven the email address.
        EmailVerified = "email-verified",
        /// Has proven the phone number, too.
        PhoneVerified = "phone-verified",
        /// Is who they say they are.
        IdentityVerified = "identity-verified",
        /// Everything is open to them.
        Active = "active",
        /// Shut out by the staff, for a time.
        Suspended = "suspended",
        /// Over, for good.
        Closed = "closed",
    }

    /// What a user may do in a shop.
    Role {
        /// Everything.
        Owner = "owner",
        /// Sees money and keys, changes neither.
        Accountant = "accountant",
        /// Sees the shop and its balance.
        Viewer = "viewer",
    }

    /// Whether a membership's shop is there.
    MembershipState {
        /// Core was asked for the shop, and has not been heard to say yes.
        Creating = "creating",
        /// The shop is there.
        Active = "active",
    }

    /// What a user is logged in with.
    Client {
        /// A browser: the refresh token is in a cookie that scripts can't read.
        Web = "web",
        /// An app: the refresh token is in its hands.
        Mobile = "mobile",
    }
}
