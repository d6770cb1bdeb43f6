//! Amounts of money as people type them.

use datamp_models::money::MAX_AMOUNT;
use datamp_models::{Amount, Currency};

/// What somebody typed, in minor units: `1500`, `1 500,50`, `1500.5`. A point or a comma stands before the fraction and nowhere else, since
/// `1,500` could mean either; spaces may stand between digits of the whole. `None` for anything else, and for what no transfer can move.
pub(crate) fn amount(text: &str, currency: Currency) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits = usize::from(currency.minor_digits());
    let whole: String = whole.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}')).collect();
    let of_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || fraction.len() > digits || !of_digits(&whole) || !of_digits(fraction) {
        return None;
    }
    let minor: i128 = format!("{whole}{fraction:0<digits$}").parse().ok()?;
    let minor = i64::try_from(minor).ok().filter(|minor| *minor <= MAX_AMOUNT)?;
    Amount::new(minor).ok().map(Amount::minor_units)
}

/// An amount as somebody would type it: `1500.50`.
pub(crate) fn plain(minor: i64, currency: &str) -> String {
    let digits = currency.parse::<Currency>().map_or(0, Currency::minor_digits);
    let unit = 10_u64.pow(u32::from(digits));
    let minor = minor.unsigned_abs();
    match digits {
        0 => minor.to_string(),
        _ => format!("{}.{:0width$}", minor / unit, minor % unit, width = usize::from(digits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, currency: &str) -> Option<i64> {
        amount(text, currency.parse().unwrap())
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (text, minor) in [
            ("1500", 150_000),
            (" 1500.5 ", 150_050),
            ("1500,05", 150_005),
            ("1 500,00", 150_000),
            ("1\u{a0}500\u{202f}000.00", 150_000_000),
            ("0.01", 1),
            ("007", 700),
        ] {
            assert_eq!(read(text, "RUB"), Some(minor), "{text}");
        }
        assert_eq!(read("1500", "JPY"), Some(1500));
        assert_eq!(read("1,234", "KWD"), Some(1234));
    }

    #[test]
    fn what_could_mean_something_else_is_not_read() {
        for wrong in [
            "",
            " ",
            "0",
            "0.00",
            "-1",
            "+1",
            "1,500",
            "1,500.00",
            "1.",
            ".5",
            "1.234",
            "1e3",
            "١",
            "1.5 0",
            "9".repeat(19).as_str(),
            "10000000000000.01",
        ] {
            assert_eq!(read(wrong, "RUB"), None, "{wrong}");
        }
        assert_eq!(read("1.5", "JPY"), None);
    }

    #[test]
    fn what_is_shown_to_be_typed_is_read_again() {
        for (minor, currency) in [(1, "RUB"), (150_050, "RUB"), (7, "JPY"), (1234, "KWD"), (MAX_AMOUNT, "RUB")] {
            assert_eq!(read(&plain(minor, currency), currency), Some(minor));
        }
    }
}
