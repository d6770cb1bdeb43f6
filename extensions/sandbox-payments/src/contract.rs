//! `datamp:payments/provider`, as the component that exports it.

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
    reason = "what wit-bindgen generates"
)]

wit_bindgen::generate!({
    path: "../../wit/payments/1.0.0",
    world: "provider-component",
    additional_derives: [Clone, PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_provider",
    default_bindings_module: "crate::contract",
});

pub(crate) use exports::datamp::payments::provider::*;
