//! What the sandbox takes: every currency of ISO 4217 that people pay in.

/// By how many decimal digits the minor unit has.
const CURRENCIES: [(usize, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP \
         CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR \
         KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN \
         PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD \
         TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

/// The codes.
pub fn all() -> impl Iterator<Item = &'static str> {
    CURRENCIES.iter().flat_map(|(_, codes)| codes.split(' '))
}

/// How many decimal digits the minor unit of a currency has; 2 where nothing is known.
fn digits(code: &str) -> usize {
    let row = CURRENCIES.iter().find(|(_, codes)| codes.split(' ').any(|known| known == code));
    row.map_or(2, |(digits, _)| *digits)
}

/// An amount as people read it, `1500.00 RUB`.
pub fn shown(minor_units: i64, code: &str) -> String {
    let digits = digits(code);
    let text = format!("{minor_units:0width$}", width = digits + 1);
    let (whole, fraction) = text.split_at_checked(text.len() - digits).unwrap_or((&text, ""));
    let point = if digits == 0 { "" } else { "." };
    format!("{whole}{point}{fraction}\u{a0}{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_currency_says_where_the_point_stands() {
        assert_eq!(shown(150_000, "RUB"), "1500.00\u{a0}RUB");
        assert_eq!(shown(5, "RUB"), "0.05\u{a0}RUB");
        assert_eq!(shown(5, "JPY"), "5\u{a0}JPY");
        assert_eq!(shown(1_234, "KWD"), "1.234\u{a0}KWD");
    }

    #[test]
    fn each_is_there_once() {
        let mut codes: Vec<_> = all().collect();
        assert!(codes.len() > 150 && codes.len() <= 200 && codes.iter().all(|code| code.len() == 3));
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
