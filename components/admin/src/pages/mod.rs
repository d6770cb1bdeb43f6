//! The pages: each module is one page or one form, its handlers and what its template shows.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod commands;
pub(crate) mod components;
pub(crate) mod dashboard;
pub(crate) mod error;
pub(crate) mod frame;
mod icons;
pub(crate) mod language;
pub(crate) mod mail;
pub(crate) mod member;
pub(crate) mod money;
pub(crate) mod notice;
pub(crate) mod operation;
pub(crate) mod operation_form;
pub(crate) mod operations;
mod paging;
mod respond;
pub(crate) mod run;
pub(crate) mod shops;
pub(crate) mod sign_in;
pub(crate) mod staff;
pub(crate) mod transfers;
pub(crate) mod welcome;
pub(crate) mod work;

use self::respond::{local, respond, see};
