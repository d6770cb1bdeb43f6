//! Structured log records.
//!
//! ```
//! use datamp_sdk::log;
//!
//! let (shop, amount) = ("shop_01h455vb4pex5vsknk084sn02q", 1200);
//! log::info!("paid {} roubles", amount / 100; shop = shop, payment.amount = amount);
//! log::debug!("nothing to do");
//! ```
//!
//! A record is a message, formatted as by `format!`, and after a semicolon its fields: names with dots, and values by
//! their `Display` (`field = value` or `field = %value`) or their `Debug` (`field = ?value`). The host adds the time, the
//! component, the request's id and the trace's. Records of `trace` and `debug` are made only where they are kept.

use std::fmt;

pub use crate::bindings::datamp::logging::log::Level;
pub use crate::{
    __log_debug as debug, __log_error as error, __log_info as info, __log_trace as trace, __log_warn as warn,
};

/// Whether records of this level are kept.
pub fn enabled(level: Level) -> bool {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::datamp::logging::log::enabled(level);
    #[cfg(not(target_arch = "wasm32"))]
    return level >= Level::Info;
}

/// Writes one record; the macros are handier. Outside a host (in native tests) it goes to standard error.
pub fn write(level: Level, message: fmt::Arguments<'_>, fields: &[(String, String)]) {
    #[cfg(target_arch = "wasm32")]
    match message.as_str() {
        Some(message) => crate::bindings::datamp::logging::log::write(level, message, fields),
        None => crate::bindings::datamp::logging::log::write(level, &message.to_string(), fields),
    }
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?} {message} {fields:?}");
}

/// Writes a record at a level.
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:expr, $format:literal $(, $argument:expr)* $(,)?) => {
        $crate::log::write($level, ::std::format_args!($format $(, $argument)*), &[])
    };
    ($level:expr, $format:literal $(, $argument:expr)* ; $($fields:tt)*) => {{
        let mut fields = ::std::vec::Vec::<(::std::string::String, ::std::string::String)>::new();
        $crate::__log_fields!(fields; $($fields)*);
        $crate::log::write($level, ::std::format_args!($format $(, $argument)*), &fields)
    }};
}

/// Collects the fields of a record.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_fields {
    ($fields:ident;) => {};
    ($fields:ident; $first:ident $(. $rest:ident)* = % $value:expr $(, $($more:tt)*)?) => {
        $crate::__log_fields!(@ $fields; $first $(. $rest)*, "{}", $value);
        $crate::__log_fields!($fields; $($($more)*)?);
    };
    ($fields:ident; $first:ident $(. $rest:ident)* = ? $value:expr $(, $($more:tt)*)?) => {
        $crate::__log_fields!(@ $fields; $first $(. $rest)*, "{:?}", $value);
        $crate::__log_fields!($fields; $($($more)*)?);
    };
    ($fields:ident; $first:ident $(. $rest:ident)* = $value:expr $(, $($more:tt)*)?) => {
        $crate::__log_fields!(@ $fields; $first $(. $rest)*, "{}", $value);
        $crate::__log_fields!($fields; $($($more)*)?);
    };
    (@ $fields:ident; $first:ident $(. $rest:ident)*, $format:literal, $value:expr) => {
        $fields.push((
            ::std::string::String::from(::std::concat!(
                ::std::stringify!($first) $(, ".", ::std::stringify!($rest))*
            )),
            ::std::format!($format, $value),
        ))
    };
}

/// Writes a record at level `trace`, if such are kept.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_trace {
    ($($record:tt)*) => {
        if $crate::log::enabled($crate::log::Level::Trace) {
            $crate::__log!($crate::log::Level::Trace, $($record)*)
        }
    };
}

/// Writes a record at level `debug`, if such are kept.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($record:tt)*) => {
        if $crate::log::enabled($crate::log::Level::Debug) {
            $crate::__log!($crate::log::Level::Debug, $($record)*)
        }
    };
}

/// Writes a record at level `info`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($record:tt)*) => { $crate::__log!($crate::log::Level::Info, $($record)*) };
}

/// Writes a record at level `warn`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($record:tt)*) => { $crate::__log!($crate::log::Level::Warn, $($record)*) };
}

/// Writes a record at level `error`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($record:tt)*) => { $crate::__log!($crate::log::Level::Error, $($record)*) };
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_have_dotted_names_and_are_shown_as_asked() {
        let mut fields = Vec::new();
        let (shop, amount) = ("s1", 12);
        crate::__log_fields!(fields; shop = shop, payment.amount = %amount, why = ?Some("x"), sum = amount + 1,);
        let expected = [("shop", "s1"), ("payment.amount", "12"), ("why", "Some(\"x\")"), ("sum", "13")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_record_that_is_not_kept_is_not_made() {
        let mut made = 0;
        super::debug!("{}", {
            made += 1;
            made
        });
        super::info!("{}", { made += 10; made }; amount = 1);
        assert_eq!(made, 10);
    }
}
