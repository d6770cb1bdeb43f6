//! The contract as wit-bindgen spells it.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    dead_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated"
)]

wit_bindgen::generate!({
    path: ["../../wit/payments/1.0.0"],
    inline: "
        package datamp:core-payments@1.0.0;

        world asks {
            import datamp:payments/provider@1.0.0;
        }
    ",
    generate_all,
    additional_derives: [Clone, PartialEq],
});
