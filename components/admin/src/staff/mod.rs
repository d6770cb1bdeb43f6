//! The staff: who they are, their passwords, how the first of them gets in.

pub(crate) mod first_admin;
pub(crate) mod passwords;
pub(crate) mod profile;
pub(crate) mod store;
