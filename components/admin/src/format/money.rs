//! Amounts of money as people read them.

use datamp_models::Currency;

use super::number::{MINUS, SPACE, grouped};
use crate::i18n::Language;

/// `1 234,50 RUB` in Russian, `1,234.50 RUB` in English; `amount` is in minor units. Of a currency that is not known here nobody
/// can say where the point stands, so that `1234 minor units of XXX` says what it is.
pub(crate) fn money(amount: i64, currency: &str, language: Language) -> String {
    let sign = if amount < 0 { MINUS } else { "" };
    let magnitude = amount.unsigned_abs();
    let Ok(known) = currency.parse::<Currency>() else {
        let number = format!("{sign}{}", grouped(magnitude, language));
        return language.text("money.minor-units").replace("{amount}", &number).replace("{currency}", currency);
    };
    let digits = known.minor_digits();
    let unit = 10_u64.pow(u32::from(digits));
    let whole = grouped(magnitude / unit, language);
    if digits == 0 {
        return format!("{sign}{whole}{SPACE}{currency}");
    }
    let fraction = magnitude % unit;
    let point = language.point();
    format!("{sign}{whole}{point}{fraction:0width$}{SPACE}{currency}", width = usize::from(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_currency_says_where_the_point_stands() {
        assert_eq!(money(123_456, "RUB", Language::English), "1,234.56\u{a0}RUB");
        assert_eq!(money(123_456, "JPY", Language::English), "123,456\u{a0}JPY");
        assert_eq!(money(123_456, "KWD", Language::English), "123.456\u{a0}KWD");
        assert_eq!(money(5, "RUB", Language::English), "0.05\u{a0}RUB");
    }

    #[test]
    fn russian_separates_by_spaces_and_a_comma() {
        assert_eq!(money(123_456_789, "RUB", Language::Russian), "1\u{a0}234\u{a0}567,89\u{a0}RUB");
    }

    #[test]
    fn the_greatest_debt_is_shown_whole() {
        assert_eq!(money(i64::MIN, "RUB", Language::English), "\u{2212}92,233,720,368,547,758.08\u{a0}RUB");
        assert_eq!(money(-1, "RUB", Language::Russian), "\u{2212}0,01\u{a0}RUB");
    }

    #[test]
    fn an_unknown_currency_is_not_guessed_at() {
        assert_eq!(money(1234, "XXQ", Language::English), "1,234 minor units of XXQ");
    }
}
