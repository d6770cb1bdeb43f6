//! What core does for admin: `datamp:core`, as wit-bindgen spells it. Nowhere else are bindings in sight.
//!
//! While core has no active generation, a call ends the request with the host's problem. [`ready`] tells beforehand.

pub(crate) use self::bindings::datamp::core::audit::{Entry, EntryFilter, list_entries};
pub(crate) use self::bindings::datamp::core::operations::{Totals, ledger_totals, list_shops, list_transfers};
pub(crate) use self::bindings::datamp::core::shops::{balances, get as get_shops};
pub(crate) use self::bindings::datamp::core::system_operations;
pub(crate) use self::bindings::datamp::core::types::{Balance, CoreError, Direction, Page, Shop, ShopStatus, Transfer};

use datamp_sdk::deployments::{self, ControlError};

/// The component that exports the contract.
const CORE: &str = "core";

/// Whether a generation of core is active now.
pub(crate) fn ready() -> Result<bool, ControlError> {
    let components = deployments::components()?;
    Ok(components.iter().any(|health| health.component == CORE && health.active.is_some()))
}

mod bindings {
    #![allow(
        missing_docs,
        unreachable_pub,
        unsafe_code,
        clippy::all,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "generated"
    )]

    wit_bindgen::generate!({
        path: ["../../wit/core/1.2.0"],
        inline: "
            package datamp:admin-imports@1.0.0;

            world admin {
                import datamp:core/shops@1.2.0;
                import datamp:core/operations@1.2.0;
                import datamp:core/system-operations@1.2.0;
                import datamp:core/audit@1.2.0;
            }
        ",
        generate_all,
        additional_derives: [Clone, PartialEq],
    });
}
