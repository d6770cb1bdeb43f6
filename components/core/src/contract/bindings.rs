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
    path: ["../../wit/core/1.0.0"],
    inline: "
        package datamp:core-service@1.0.0;

        world contract {
            export datamp:core/shops@1.0.0;
            export datamp:core/api-keys@1.0.0;
            export datamp:core/operations@1.0.0;
        }
    ",
    generate_all,
    additional_derives: [Clone, PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_contract",
    default_bindings_module: "crate::contract::bindings",
});
