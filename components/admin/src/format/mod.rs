//! Values as people read them, in their language.

mod amount;
mod money;
mod number;
mod time;

pub(crate) use self::amount::{amount, plain};
pub(crate) use self::money::money;
pub(crate) use self::number::{duration, grouped, share, size};
pub(crate) use self::time::moment;
