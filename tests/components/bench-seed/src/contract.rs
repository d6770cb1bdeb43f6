//! Core's contract, as a component that imports it.

#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "what wit-bindgen generates")]

wit_bindgen::generate!({
    path: ["../../../wit/core/1.0.0"],
    inline: "
        package bench:seed@1.0.0;

        world contract {
            import datamp:core/shops@1.0.0;
            import datamp:core/api-keys@1.0.0;
        }
    ",
    generate_all,
});

pub use datamp::core::{
    api_keys::{self, NewApiKey},
    shops::{self, NewShop},
};
