//! Which language a page is in: the one that was chosen, else the one that the browser asks for.

use super::Language;

/// The cookie that a choice is kept in.
pub(crate) const COOKIE: &str = "datamp-language";

impl Language {
    /// The language of a tag that this panel knows.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// By the cookie, else by `Accept-Language` (RFC 9110, section 12.5.4), else English.
    pub(crate) fn choose(cookie: Option<&str>, accept_language: Option<&str>) -> Self {
        cookie.and_then(Self::of_tag).or_else(|| accept_language.and_then(Self::accepted)).unwrap_or(Self::English)
    }

    /// The known language with the highest weight; the first of equals.
    fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for range in header.split(',').take(32) {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.trim().parse().unwrap_or(0.0),
                None => 1.0,
            };
            let Some(language) = Self::of_tag(&primary) else { continue };
            if weight > best.map_or(0.0, |(_, highest)| highest) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, Russian};

    #[test]
    fn the_browser_decides_until_somebody_chooses() {
        assert_eq!(Language::choose(None, Some("ru-RU,ru;q=0.9,en;q=0.8")), Russian);
        assert_eq!(Language::choose(Some("en"), Some("ru-RU,ru;q=0.9")), English);
        assert_eq!(Language::choose(Some("xx"), Some("ru")), Russian);
        assert_eq!(Language::choose(None, None), English);
    }

    #[test]
    fn weights_count_and_not_the_order() {
        assert_eq!(Language::choose(None, Some("en;q=0.3, ru;q=0.7")), Russian);
        assert_eq!(Language::choose(None, Some("de, fr;q=0.9, ru;q=0.1")), Russian);
        assert_eq!(Language::choose(None, Some("ru;q=0, en;q=0.1")), English);
        assert_eq!(Language::choose(None, Some("de")), English);
        assert_eq!(Language::choose(None, Some(";;,=q,ru;q=abc")), English);
    }
}
