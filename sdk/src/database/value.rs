//! Parameters of statements.

use std::borrow::Cow;

use super::Value;
use crate::time::Timestamp;

/// What may be a parameter of a statement.
///
/// There is none for `u64` and `usize`, which a column can't hold whole: convert by `i64::try_from`.
pub trait ToValue {
    /// The parameter.
    fn to_value(&self) -> Value;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Integer(i64::from(*self))
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 u8 u16 u32);

macro_rules! texts {
    ($($type:ty)*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
        }
    )*};
}

texts!(str String Box<str> Cow<'_, str>);

macro_rules! lists {
    ($([$($generic:tt)*] $type:ty => $case:ident |$this:ident| $made:expr;)*) => {$(
        impl $($generic)* ToValue for $type {
            fn to_value(&self) -> Value {
                let $this = self;
                Value::$case($made)
            }
        }
    )*};
}

lists! {
    [] [u8] => Blob |this| this.to_vec();
    [] Vec<u8> => Blob |this| this.clone();
    [<const N: usize>] [u8; N] => Blob |this| this.to_vec();
    [] [i64] => Integers |this| this.to_vec();
    [] Vec<i64> => Integers |this| this.clone();
    [<const N: usize>] [i64; N] => Integers |this| this.to_vec();
    [] [String] => Texts |this| this.to_vec();
    [] Vec<String> => Texts |this| this.clone();
    [] [&str] => Texts |this| this.iter().map(|text| (*text).to_owned()).collect();
    [] Vec<&str> => Texts |this| this.iter().map(|text| (*text).to_owned()).collect();
    [<const N: usize>] [&str; N] => Texts |this| this.iter().map(|text| (*text).to_owned()).collect();
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value {
        Value::Real(*self)
    }
}

impl ToValue for f32 {
    fn to_value(&self) -> Value {
        Value::Real(f64::from(*self))
    }
}

/// Microseconds since the epoch.
impl ToValue for Timestamp {
    fn to_value(&self) -> Value {
        Value::Integer(self.as_micros())
    }
}

/// Microseconds since the epoch, of each.
impl ToValue for Vec<Timestamp> {
    fn to_value(&self) -> Value {
        Value::Integers(self.iter().map(|time| time.as_micros()).collect())
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

/// NULL for `None`.
impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        match self {
            Some(value) => value.to_value(),
            None => Value::Null,
        }
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn parameters_are_what_they_look_like() {
        let (name, ids) = (String::from("n"), vec![1i64, 2]);
        let found = params![
            1u32,
            -1i64,
            "a",
            &name,
            name,
            true,
            0.5,
            None::<i64>,
            Some("x"),
            ids,
            [1u8, 2],
            vec!["a", "b"],
            Timestamp::from_micros(7),
        ];
        let texts = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            found,
            [
                Value::Integer(1),
                Value::Integer(-1),
                texts("a"),
                texts("n"),
                texts("n"),
                Value::Boolean(true),
                Value::Real(0.5),
                Value::Null,
                texts("x"),
                Value::Integers(vec![1, 2]),
                Value::Blob(vec![1, 2]),
                Value::Texts(vec!["a".into(), "b".into()]),
                Value::Integer(7),
            ]
        );
        assert!(params![].is_empty());
        // Nothing was moved.
        assert_eq!((name.len(), ids.len()), (1, 2));
    }
}
