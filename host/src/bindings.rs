//! What wasmtime makes of the contracts in `wit/`: the traits that the capabilities implement, and the typed export.

#![allow(missing_docs, unreachable_pub, reason = "generated from documented WIT")]
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated code"
)]

pub mod platform {
    wasmtime::component::bindgen!({
        path: [
            "../wit/http/1.0.0",
            "../wit/database/1.0.0",
            "../wit/crypto/1.0.0",
            "../wit/config/1.0.0",
            "../wit/logging/1.0.0",
            "../wit/mail/1.0.0",
            "../wit/deployments/1.1.0",
            "../wit/messaging/1.0.0",
            "../wit/jobs/1.0.0",
            "../wit/limits/1.0.0",
        ],
        inline: "
            package datamp:host@1.0.0;

            world platform {
                import datamp:http/client@1.0.0;
                import datamp:database/sql@1.0.0;
                import datamp:crypto/passwords@1.0.0;
                import datamp:crypto/tokens@1.0.0;
                import datamp:crypto/signatures@1.0.0;
                import datamp:config/values@1.0.0;
                import datamp:config/secrets@1.0.0;
                import datamp:config/environment@1.0.0;
                import datamp:logging/log@1.0.0;
                import datamp:mail/sender@1.0.0;
                import datamp:mail/mailbox@1.0.0;
                import datamp:deployments/control@1.1.0;
                import datamp:deployments/commands@1.1.0;
                import datamp:deployments/work@1.1.0;
                import datamp:messaging/publisher@1.0.0;
                import datamp:jobs/scheduler@1.0.0;
                import datamp:limits/rates@1.0.0;
                export datamp:http/handler@1.0.0;
            }
        ",
        imports: {
            "datamp:config/values@1.0.0": trappable,
            "datamp:config/environment@1.0.0": trappable,
            "datamp:logging/log@1.0.0": trappable,
            "datamp:limits/rates@1.0.0": trappable,
            "datamp:database/sql@1.0.0.get-dialect": trappable,
            default: async | trappable,
        },
        exports: { default: async },
        with: {
            "datamp:database/sql.transaction": crate::capabilities::database::Transaction,
        },
    });
}

/// A component that takes events.
pub mod subscriber {
    wasmtime::component::bindgen!({
        path: ["../wit/database/1.0.0", "../wit/messaging/1.0.0"],
        inline: "
            package datamp:host-events@1.0.0;

            world events {
                export datamp:messaging/subscriber@1.0.0;
            }
        ",
        exports: { default: async },
    });

    pub use exports::datamp::messaging::subscriber::{Event, Outcome};
}

/// A component that does jobs.
pub mod job {
    wasmtime::component::bindgen!({
        path: ["../wit/database/1.0.0", "../wit/jobs/1.0.0"],
        inline: "
            package datamp:host-runs@1.0.0;

            world runs {
                export datamp:jobs/job@1.0.0;
            }
        ",
        exports: { default: async },
    });

    pub use exports::datamp::jobs::job::{Outcome, Task};
}

/// A component that has commands for operators.
pub mod operator {
    wasmtime::component::bindgen!({
        path: ["../wit/operator/1.0.0"],
        inline: "
            package datamp:host-commands@1.0.0;

            world operated {
                export datamp:operator/commands@1.0.0;
            }
        ",
        exports: { default: async },
    });

    pub use exports::datamp::operator::commands::{Call, Command, CommandError, Outcome, Parameter, Progress, Step};
}
