//! The panel's two languages. Each is one file of `key = text` lines; the tests hold the files to each other and to the code.

pub(crate) mod choice;

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A language of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Русский.
    Russian,
    /// English.
    English,
}

type Texts = BTreeMap<&'static str, &'static str>;

static RUSSIAN: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("ru.txt")));
static ENGLISH: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("en.txt")));

/// `key = text`, one a line; empty lines and those that begin with `#` are skipped.
fn parse(file: &'static str) -> Texts {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, text)| (key.trim(), text.trim()))
        .collect()
}

impl Language {
    /// Both, in the order of the switch.
    pub(crate) const ALL: [Self; 2] = [Self::Russian, Self::English];

    /// Its tag by BCP 47, for `lang`, `Accept-Language` and the cookie.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// Its own name for itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Russian => "Русский",
            Self::English => "English",
        }
    }

    /// What stands between whole and fraction.
    pub(crate) fn point(self) -> &'static str {
        match self {
            Self::Russian => ",",
            Self::English => ".",
        }
    }

    fn texts(self) -> &'static Texts {
        match self {
            Self::Russian => &RUSSIAN,
            Self::English => &ENGLISH,
        }
    }

    /// The text of a key. A key that is in neither file is shown as it is; a test keeps that from happening.
    pub(crate) fn text(self, key: &'static str) -> &'static str {
        self.texts().get(key).copied().unwrap_or(key)
    }

    /// The text of a key that is made up at run time, such as the name of a code that another component chose; `None` where
    /// there is none.
    pub(crate) fn lookup(self, key: &str) -> Option<&'static str> {
        self.texts().get(key).copied()
    }

    /// The text of a key with its `{name}`s filled in.
    pub(crate) fn fill(self, key: &'static str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.text(key).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// Prefixes of keys that [`Language::lookup`] makes up, with where.
    const MADE_UP: [&str; 5] =
        ["transfer.code.", "audit.action.", "audit.field.", "operation.step.", "operation.refusal."];

    fn files(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => files(&path, into),
                Some("rs" | "html") => into.push(path),
                _ => {}
            }
        }
    }

    /// Everything between double quotes in code and templates.
    fn quoted() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paths = Vec::new();
        files(&root.join("src"), &mut paths);
        files(&root.join("templates"), &mut paths);
        let text: String = paths.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        text.split('"').map(str::to_owned).collect()
    }

    fn looks_like_a_key(text: &str, groups: &BTreeSet<&str>) -> bool {
        let of_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        text.split_once('.').is_some_and(|(group, rest)| groups.contains(group) && !rest.is_empty())
            && text.chars().all(of_key)
    }

    #[test]
    fn both_languages_have_the_same_keys() {
        let russian: Vec<_> = RUSSIAN.keys().collect();
        let english: Vec<_> = ENGLISH.keys().collect();
        assert_eq!(russian, english);
    }

    #[test]
    fn no_key_stands_twice_and_no_text_is_empty() {
        for file in [include_str!("ru.txt"), include_str!("en.txt")] {
            let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            assert_eq!(lines.clone().count(), parse(file).len());
            for line in lines {
                assert!(line.split_once('=').is_some_and(|(_, text)| !text.trim().is_empty()), "{line}");
            }
        }
    }

    #[test]
    fn every_key_is_used() {
        let quoted = quoted();
        for key in ENGLISH.keys() {
            let used = quoted.contains(*key) || MADE_UP.iter().any(|prefix| key.starts_with(prefix));
            assert!(used, "{key}");
        }
    }

    #[test]
    fn every_used_key_exists() {
        let groups: BTreeSet<&str> = ENGLISH.keys().filter_map(|key| Some(key.split_once('.')?.0)).collect();
        // What looks like a key and is an action of the audit is found under `audit.action.`.
        let known = |key: &str| {
            let made_up = MADE_UP.contains(&key) || ENGLISH.contains_key(format!("audit.action.{key}").as_str());
            ENGLISH.contains_key(key) || made_up || key == "component.toml"
        };
        let missing: Vec<_> =
            quoted().into_iter().filter(|text| looks_like_a_key(text, &groups) && !known(text)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn both_languages_name_the_same_places_to_fill() {
        let places = |text: &str| -> BTreeSet<String> {
            text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
        };
        for (key, text) in ENGLISH.iter() {
            assert_eq!(places(text), places(Language::Russian.text(key)), "{key}");
        }
    }

    #[test]
    fn places_are_filled() {
        let text = Language::English.fill("money.minor-units", &[("amount", "5"), ("currency", "XXX")]);
        assert_eq!(text, "5 minor units of XXX");
    }
}
