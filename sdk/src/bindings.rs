//! The platform's contracts as wit-bindgen spells them. The rest of the crate is what people see.

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
        package datamp:sdk@1.0.0;

        world component {
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
    generate_all,
    additional_derives: [Clone, PartialEq],
    export_macro_name: "export_service",
    pub_export_macro: true,
    default_bindings_module: "datamp_sdk::bindings",
});

/// What a component exports that takes events.
pub mod subscriber {
    wit_bindgen::generate!({
        path: ["../wit/database/1.0.0", "../wit/messaging/1.0.0"],
        inline: "
            package datamp:sdk-subscriber@1.0.0;

            world subscribes {
                export datamp:messaging/subscriber@1.0.0;
            }
        ",
        generate_all,
        export_macro_name: "export_subscriber",
        pub_export_macro: true,
        default_bindings_module: "datamp_sdk::bindings::subscriber",
    });
}

/// What a component exports that does jobs.
pub mod job {
    wit_bindgen::generate!({
        path: ["../wit/database/1.0.0", "../wit/jobs/1.0.0"],
        inline: "
            package datamp:sdk-job@1.0.0;

            world does-jobs {
                export datamp:jobs/job@1.0.0;
            }
        ",
        generate_all,
        export_macro_name: "export_job",
        pub_export_macro: true,
        default_bindings_module: "datamp_sdk::bindings::job",
    });
}

/// What a component exports that has commands for operators.
pub mod operator {
    wit_bindgen::generate!({
        path: ["../wit/operator/1.0.0"],
        inline: "
            package datamp:sdk-operator@1.0.0;

            world has-commands {
                export datamp:operator/commands@1.0.0;
            }
        ",
        generate_all,
        export_macro_name: "export_commands",
        pub_export_macro: true,
        default_bindings_module: "datamp_sdk::bindings::operator",
    });
}
