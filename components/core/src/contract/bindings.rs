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
    path: ["../../wit/core/1.2.0", "../../wit/ledger/1.0.0"],
    inline: "
        package datamp:core-service@1.0.0;

        world contract {
            // Its own, whose calls are merged.
            import datamp:core/payments@1.2.0;
            export datamp:core/payments@1.2.0;
            export datamp:core/shops@1.2.0;
            export datamp:core/api-keys@1.2.0;
            export datamp:core/operations@1.2.0;
            export datamp:core/system-operations@1.2.0;
            export datamp:core/audit@1.2.0;
            export datamp:ledger/transfers@1.0.0;
        }
    ",
    generate_all,
    additional_derives: [Clone, PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_contract",
    default_bindings_module: "crate::contract::bindings",
});
