//! The language that a person is written to in.

use datamp_models::communication::Language;

/// The first of our languages among those that a browser prefers (`Accept-Language`, RFC 9110, 12.5.4); English where it names
/// none of them.
pub(super) fn preferred(accept_language: Option<&str>) -> Language {
    let mut best = (Language::English, 0.0);
    for range in accept_language.unwrap_or_default().split(',') {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let language = match tag.split('-').next().unwrap_or_default() {
            "ru" => Language::Russian,
            "en" => Language::English,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f64>);
        if let Ok(quality) = quality
            && (0.0..=1.0).contains(&quality)
            && quality > best.1
        {
            best = (language, quality);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_preferred_of_ours_is_taken() {
        for (header, language) in [
            ("ru", Language::Russian),
            ("ru-RU,ru;q=0.9,en;q=0.8", Language::Russian),
            ("en-GB,en;q=0.9,ru;q=0.8", Language::English),
            ("de,ru;q=0.5,en;q=0.3", Language::Russian),
            ("en;q=0.2, RU-ru;q=0.7", Language::Russian),
            ("ru;q=0", Language::English),
            ("ru;q=7", Language::English),
            ("ru;q=nonsense", Language::English),
            ("de, fr", Language::English),
            ("*", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(preferred(Some(header)), language, "{header}");
        }
        assert_eq!(preferred(None), Language::English);
    }
}
