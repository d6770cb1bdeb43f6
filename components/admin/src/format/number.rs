//! Numbers, shares, sizes and durations as people read them.

use crate::i18n::Language;

/// U+2212, as wide as the digits beside it.
pub(super) const MINUS: &str = "\u{2212}";
/// Keeps a number and its unit on one line.
pub(super) const SPACE: &str = "\u{a0}";

/// `1 234` in Russian, `1,234` in English.
pub(crate) fn grouped(number: u64, language: Language) -> String {
    let separator = match language {
        Language::Russian => SPACE,
        Language::English => ",",
    };
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}

/// Tenths, without a zero behind the point: `12`, `1.5`.
fn tenths(tenths: u64, language: Language) -> String {
    let whole = grouped(tenths / 10, language);
    match tenths % 10 {
        0 => whole,
        tenth => format!("{whole}{}{tenth}", language.point()),
    }
}

/// A share in percent with one digit behind the point; `0 %` of nothing. What is above zero is never shown as zero.
pub(crate) fn share(part: u64, whole: u64, language: Language) -> String {
    let in_tenths = match (part, whole) {
        (0, _) | (_, 0) => 0,
        (part, whole) => u64::try_from(u128::from(part) * 1000 / u128::from(whole)).unwrap_or(1000),
    };
    if part > 0 && in_tenths == 0 {
        return format!("<{SPACE}0{}1{SPACE}%", language.point());
    }
    format!("{}{SPACE}%", tenths(in_tenths, language))
}

/// A duration of so many microseconds, with the precision that a person needs: `340 µs`, `1.2 ms`, `3.4 s`.
pub(crate) fn duration(microseconds: u64, language: Language) -> String {
    let (number, unit) = match microseconds {
        0..1_000 => (grouped(microseconds, language), "unit.microseconds"),
        1_000..10_000 => (tenths(microseconds / 100, language), "unit.milliseconds"),
        10_000..1_000_000 => (grouped(microseconds / 1_000, language), "unit.milliseconds"),
        _ => (tenths(microseconds / 100_000, language), "unit.seconds"),
    };
    format!("{number}{SPACE}{}", language.text(unit))
}

/// A size in bytes: `512 B`, `3.4 KB`, `1.2 MB`; a KB is 1,024 B.
pub(crate) fn size(bytes: u64, language: Language) -> String {
    const KB: u64 = 1024;
    const MB: u64 = KB * KB;
    let (number, unit) = match bytes {
        0..KB => (grouped(bytes, language), "unit.bytes"),
        KB..MB => (tenths(bytes * 10 / KB, language), "unit.kilobytes"),
        _ => (
            tenths((u128::from(bytes) * 10 / u128::from(MB)).try_into().unwrap_or(u64::MAX), language),
            "unit.megabytes",
        ),
    };
    format!("{number}{SPACE}{}", language.text(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let en = |number| grouped(number, Language::English);
        assert_eq!([en(0), en(999), en(1_000), en(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(grouped(1_234, Language::Russian), "1\u{a0}234");
    }

    #[test]
    fn shares_never_hide_an_error() {
        let en = |part, whole| share(part, whole, Language::English);
        assert_eq!(en(0, 0), "0\u{a0}%");
        assert_eq!(en(1, 3), "33.3\u{a0}%");
        assert_eq!(en(1, 1), "100\u{a0}%");
        assert_eq!(en(1, 1_000_000), "<\u{a0}0.1\u{a0}%");
        assert_eq!(en(u64::MAX, u64::MAX), "100\u{a0}%");
        assert_eq!(share(1, 200, Language::Russian), "0,5\u{a0}%");
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let en = |microseconds| duration(microseconds, Language::English);
        assert_eq!(
            [en(0), en(340), en(1_250), en(43_210), en(3_400_000)],
            ["0\u{a0}µs", "340\u{a0}µs", "1.2\u{a0}ms", "43\u{a0}ms", "3.4\u{a0}s"]
        );
        assert_eq!(duration(1_250, Language::Russian), "1,2\u{a0}мс");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let en = |bytes| size(bytes, Language::English);
        assert_eq!([en(512), en(3_500), en(1_300_000)], ["512\u{a0}B", "3.4\u{a0}KB", "1.2\u{a0}MB"]);
        assert!(en(u64::MAX).ends_with("MB"));
    }
}
