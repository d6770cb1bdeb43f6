//! `datamp:http/client`: requests to the hosts that a component was granted, and to no address that is not public.
//!
//! Two things are checked, one after the other. The *name*: a component calls the hosts of its manifest alone. And
//! every *address* that the name resolves to: whoever owns a name can point it into our own network (server-side
//! request forgery). The connection is made to the very addresses that were checked, so that a second answer of the
//! name server changes nothing. Redirects are not followed and no proxy of the environment is used: either would lead
//! past both checks.

mod addresses;
mod answer;
mod connector;
mod host;
mod hosts;
mod outbound;
mod resolver;
mod wasi;

#[cfg(test)]
mod tests;

pub use addresses::{AddressRange, NoAddressRange};
pub use host::add_to_linker;
pub use hosts::{AllowedHosts, InvalidPattern};
pub use outbound::{Outbound, OutboundSettings, SendError};
pub use resolver::{Resolve, SystemResolver};
pub use wasi::WasiOutbound;
