//! The kinds of values that a manifest holds: names, routes, sizes, durations. Each says what it must look like.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer};

/// A name of a component: `[a-z][a-z0-9-]*`, at most 40 characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct ComponentName(String);

impl ComponentName {
    /// Checks a name.
    ///
    /// # Errors
    /// Says what the name must look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if first && rest && text.len() <= 40 {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is no name: a name begins with a letter, holds a-z, 0-9 and '-', and has at most 40 characters"
            ))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ComponentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A path prefix in whole segments: `/` or `/a/b`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct RoutePrefix(String);

impl RoutePrefix {
    /// Checks a prefix.
    ///
    /// # Errors
    /// Says what the prefix must look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let segment = |s: &str| {
            !s.is_empty()
                && s != "."
                && s != ".."
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        let valid =
            text == "/" || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment)) && text.len() <= 200;
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is no route: a route is '/' or segments of A-Z, a-z, 0-9, '-', '.', '_' and '~', each after a '/'"
            ))
        }
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path is at or under this prefix.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.0 == "/" || path.strip_prefix(self.0.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl<'de> Deserialize<'de> for RoutePrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A number of bytes, written `512B`, `64KiB`, `64MiB` or `1GiB`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(pub usize);

impl ByteSize {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let shift = match unit {
            "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return None,
        };
        number.parse::<usize>().ok()?.checked_mul(1 << shift).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1 << 30 && n.is_multiple_of(1 << 30) => write!(f, "{} GiB", n >> 30),
            n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => write!(f, "{} MiB", n >> 20),
            n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => write!(f, "{} KiB", n >> 10),
            n => write!(f, "{n} bytes"),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is no size: write a whole number and B, KiB, MiB or GiB, as in \"64MiB\""
            ))
        })
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = if let Some(ms) = text.strip_suffix("ms") {
        ms.parse().ok().map(Duration::from_millis)
    } else {
        text.strip_suffix('s').and_then(|s| s.parse().ok()).map(Duration::from_secs)
    };
    parsed.ok_or_else(|| {
        serde::de::Error::custom(format!("{text:?} is no duration: write a whole number and ms or s, as in \"10s\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_whole_segments_only() {
        let prefix = RoutePrefix::parse("/core").unwrap();
        assert!(prefix.covers("/core") && prefix.covers("/core/v1"));
        assert!(!prefix.covers("/cores") && !prefix.covers("/"));
        assert!(RoutePrefix::parse("/").unwrap().covers("/anything"));
    }
}
