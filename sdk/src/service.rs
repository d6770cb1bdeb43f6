//! From the host's call to the router.

use std::cell::OnceCell;

use crate::bindings::datamp::http::types;
use crate::{Request, Router, log};

thread_local! {
    /// An instance serves many requests, one at a time: its routes are built once.
    static ROUTER: OnceCell<Router> = const { OnceCell::new() };
}

/// Answers one request; what [`service!`](crate::service) exports.
#[doc(hidden)]
pub fn serve(routes: fn(&mut Router), request: types::Request) -> types::Response {
    ROUTER.with(|router| {
        let router = router.get_or_init(|| {
            let mut router = Router::new();
            routes(&mut router);
            router
        });
        router.handle(&Request::from_raw(request)).into_raw()
    })
}

/// Runs once, before any export is called: a panic ends in a trap, which says nothing, so it is logged before.
#[doc(hidden)]
pub extern "C" fn initialise() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    match panic.location() {
        Some(place) => log::error!("panic: {}", message; panic.location = place),
        None => log::error!("panic: {}", message),
    }
}

/// Makes a crate a component: embeds its manifest, and serves its routes.
///
/// ```text
/// datamp_sdk::service!("component.toml", routes);
/// datamp_sdk::service!("component.toml", routes, migrations = datamp_models::MIGRATIONS);
/// datamp_sdk::service!("component.toml", routes, openapi = "openapi/v1.json");
/// datamp_sdk::service!("component.toml", routes, subscriber = on_event, jobs = run, commands = commands);
///
/// fn routes(router: &mut Router) { ... }
/// fn on_event(event: &Event) -> Result<(), Failure> { ... }
/// fn run(task: &Task) -> Result<(), Failure> { ... }
/// fn commands(commands: &mut Commands) { ... }
/// ```
///
/// The manifest's path is relative to the crate's `Cargo.toml`. `migrations` is a constant `&'static [u8]`, the JSON of a
/// migration set, `openapi` is the path of the API's [document](crate::openapi), which the host compares with that of the
/// generation before, `subscriber` takes [events](crate::messaging), `jobs` does [jobs](crate::jobs), and `commands` adds
/// [commands for operators](crate::operator); all of them may be left out, and are given in this order. Call it once, in the crate's
/// root. Built for anything but WebAssembly, it only type-checks: tests call
/// the routes through [`Router::handle`](crate::Router::handle).
#[macro_export]
macro_rules! service {
    (
        $manifest:literal, $routes:path
        $(, migrations = $migrations:expr)? $(, openapi = $openapi:literal)? $(, subscriber = $subscriber:path)?
        $(, jobs = $jobs:path)? $(, commands = $commands:path)? $(,)?
    ) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "sections and exports take unsafe attributes")]
        const _: () = {
            const MANIFEST: &[u8] =
                ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $manifest));

            #[used]
            #[unsafe(link_section = "datamp:manifest")]
            static MANIFEST_SECTION: [u8; MANIFEST.len()] = $crate::__private::copied(MANIFEST);

            $(
                const MIGRATIONS: &[u8] = $migrations;

                #[used]
                #[unsafe(link_section = "datamp:migrations")]
                static MIGRATIONS_SECTION: [u8; MIGRATIONS.len()] = $crate::__private::copied(MIGRATIONS);
            )?

            $(
                const OPENAPI: &[u8] =
                    ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $openapi));

                #[used]
                #[unsafe(link_section = "datamp:openapi")]
                static OPENAPI_SECTION: [u8; OPENAPI.len()] = $crate::__private::copied(OPENAPI);
            )?

            // The linker's list of what runs when an instance is made.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static INITIALISE: extern "C" fn() = $crate::__private::initialise;

            struct Service;

            impl $crate::__private::Guest for Service {
                fn handle(request: $crate::__private::Request) -> $crate::__private::Response {
                    $crate::__private::serve($routes, request)
                }
            }

            $crate::bindings::export_service!(Service with_types_in $crate::bindings);

            $(
                impl $crate::__private::SubscriberGuest for Service {
                    fn handle(
                        events: ::std::vec::Vec<$crate::__private::RawEvent>,
                    ) -> ::std::vec::Vec<$crate::__private::EventOutcome> {
                        $crate::__private::deliver($subscriber, events)
                    }
                }

                $crate::bindings::subscriber::export_subscriber!(Service with_types_in $crate::bindings::subscriber);
            )?

            $(
                impl $crate::__private::JobGuest for Service {
                    fn run(task: $crate::__private::RawTask) -> $crate::__private::JobOutcome {
                        $crate::__private::run($jobs, task)
                    }
                }

                $crate::bindings::job::export_job!(Service with_types_in $crate::bindings::job);
            )?

            $(
                impl $crate::__private::CommandsGuest for Service {
                    fn describe() -> ::std::vec::Vec<$crate::__private::RawCommand> {
                        $crate::__private::describe($commands)
                    }

                    fn advance(
                        call: $crate::__private::RawCall,
                    ) -> ::core::result::Result<$crate::__private::RawStep, $crate::__private::RawCommandError> {
                        $crate::__private::step($commands, call)
                    }
                }

                $crate::bindings::operator::export_commands!(Service with_types_in $crate::bindings::operator);
            )?
        };

        // Elsewhere it is only checked, and keeps the routes from being called unused.
        #[cfg(not(target_arch = "wasm32"))]
        const _: (fn(&mut $crate::Router), &[&[u8]]) = (
            $routes,
            &[
                ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $manifest)),
                $($migrations,)?
                $(::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $openapi)),)?
            ],
        );

        $(
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(&$crate::Event) -> ::core::result::Result<(), $crate::Failure> = $subscriber;
        )?

        $(
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(&$crate::jobs::Task) -> ::core::result::Result<(), $crate::Failure> = $jobs;
        )?

        $(
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(&mut $crate::operator::Commands) = $commands;
        )?
    };
}

/// What `service!` expands to.
#[doc(hidden)]
pub mod __private {
    pub use super::{initialise, serve};
    pub use crate::bindings::datamp::http::types::{Request, Response};
    pub use crate::bindings::exports::datamp::http::handler::Guest;
    pub use crate::bindings::job::exports::datamp::jobs::job::{
        Guest as JobGuest, Outcome as JobOutcome, Task as RawTask,
    };
    pub use crate::bindings::operator::exports::datamp::operator::commands::{
        Call as RawCall, Command as RawCommand, CommandError as RawCommandError, Guest as CommandsGuest,
        Step as RawStep,
    };
    pub use crate::bindings::subscriber::exports::datamp::messaging::subscriber::{
        Event as RawEvent, Guest as SubscriberGuest, Outcome as EventOutcome,
    };
    pub use crate::deferred::{deliver, run};
    pub use crate::operator::{describe, step};

    /// A section must be an array, not a reference.
    pub const fn copied<const N: usize>(bytes: &[u8]) -> [u8; N] {
        match bytes.first_chunk() {
            Some(array) => *array,
            None => [0; N],
        }
    }
}
