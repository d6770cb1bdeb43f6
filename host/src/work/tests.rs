//! Deferred work on SQLite and on PostgreSQL, without components: what is added, claimed and settled.

mod adding;
mod claiming;
mod scheduling;
mod world;
