//! The contract of the ledger, as a component that imports it, with JSON for each of its types.

#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "what wit-bindgen generates")]

wit_bindgen::generate!({
    path: ["../../../wit/ledger/1.0.0"],
    inline: "
        package case:poster@1.0.0;

        world contract {
            import datamp:ledger/transfers@1.0.0;
        }
    ",
    generate_all,
    additional_derives: [serde::Serialize, serde::Deserialize],
});

pub use datamp::ledger::transfers;
