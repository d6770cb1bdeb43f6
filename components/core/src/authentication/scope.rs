//! What a route needs of the key that it is called with, as types: `Caller<scope::Payments>`.

use datamp_models::core::ApiScope;

/// A scope that a route needs.
pub trait Needed {
    /// Its name.
    const SCOPE: ApiScope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $name {}

            impl Needed for $name {
                const SCOPE: ApiScope = ApiScope::$name;
            }
        )+

        /// Fails to compile where a scope has no type here.
        const _: fn(ApiScope) = |scope| match scope {
            $(ApiScope::$name => {})+
        };
    };
}

scopes! {
    /// The route reads.
    Read,
    /// It makes payments, captures or voids them.
    Payments,
    /// It refunds payments.
    Refunds,
    /// It asks for top-ups.
    TopUps,
    /// It opens accounts.
    Accounts,
    /// It is about API keys.
    Keys,
    /// It is about webhooks.
    Webhooks,
}
