//! A setting that is given along with the start of the host.

use std::str::FromStr;

/// `COMPONENT/NAME=VALUE`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preset {
    /// The component.
    pub component: String,
    /// The setting's name in its manifest.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(setting, value)| {
            let (component, name) = setting.split_once('/')?;
            (!component.is_empty() && !name.is_empty()).then_some((component, name, value))
        });
        match parts {
            Some((component, name, value)) => {
                Ok(Self { component: component.to_owned(), name: name.to_owned(), value: value.to_owned() })
            }
            None => Err("write COMPONENT/NAME=VALUE, as in `hello/greeting=Good morning`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_anything() {
        let read =
            |text: &str| text.parse().map(|Preset { component, name, value }| [component, name, value].join(" "));
        assert_eq!(read("a/b=c").as_deref(), Ok("a b c"));
        assert_eq!(read("a/b-c=d/e=f").as_deref(), Ok("a b-c d/e=f"));
        assert_eq!(read("a/b=").as_deref(), Ok("a b "));
        for wrong in ["", "a", "a/b", "a=b", "/b=c", "a/=c", "=a/b"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
