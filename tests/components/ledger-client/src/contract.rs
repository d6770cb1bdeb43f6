//! The contracts of the ledger and of payments, as a component that imports them. Their values are read from JSON, and written as such, as they are.

#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "what wit-bindgen generates")]

wit_bindgen::generate!({
    path: ["../../../wit/core/1.2.0", "../../../wit/ledger/1.0.0"],
    inline: "
        package case:ledger-client@1.0.0;

        world contract {
            import datamp:core/payments@1.2.0;
            import datamp:ledger/transfers@1.0.0;
        }
    ",
    generate_all,
    additional_derives: [serde::Serialize, serde::Deserialize],
});

pub use datamp::core::payments::{self, CoreError, NewPayment, Outcome};
pub use datamp::ledger::transfers::{self, Account, Balance, Failure, Posted, Posting, ReadFailure, Transfer};
