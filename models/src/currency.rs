//! Currencies: ISO 4217, as maintained by SIX.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The active currencies that have minor units, by how many decimal digits those are.
/// Funds codes, precious metals and codes for testing are left out: nobody pays in them.
const CURRENCIES: &[(u8, &str)] = &[
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP \
         CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR \
         KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN \
         PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD \
         TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

/// A currency that exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    /// A row of [`CURRENCIES`].
    code: &'static str,
    minor_digits: u8,
}

/// Not the code of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCurrency;

impl fmt::Display for InvalidCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be the code of a currency by ISO 4217, in capitals")
    }
}

impl std::error::Error for InvalidCurrency {}

impl Currency {
    /// Three capital letters.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// How many decimal digits its minor unit has: 2 for the kopecks of RUB, 0 for JPY.
    pub fn minor_digits(self) -> u8 {
        self.minor_digits
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        let of_row = |(minor_digits, codes): &(u8, &'static str)| {
            Some(Self { code: find(codes, text)?, minor_digits: *minor_digits })
        };
        CURRENCIES.iter().find_map(of_row).ok_or(InvalidCurrency)
    }
}

/// A code in a row of [`CURRENCIES`]: in order, three letters each, and a space in between.
fn find(codes: &'static str, code: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, codes.len().div_ceil(4));
    while low < high {
        let middle = low.midpoint(high);
        let found = codes.get(4 * middle..4 * middle + 3)?;
        match found.cmp(code) {
            Ordering::Equal => return Some(found),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// All the codes, as there may come to be more.
impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut codes: Vec<_> = CURRENCIES.iter().flat_map(|(_, codes)| codes.split_ascii_whitespace()).collect();
        codes.sort_unstable();
        json_schema!({
            "description": "A currency, by its code of ISO 4217.",
            "type": "string",
            "enum": codes,
            "x-open-enum": true,
            "examples": ["RUB"],
        })
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

/// By hand, since serde's derive would have the text outlive the program for the sake of `code`.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_have_the_minor_digits_of_the_standard() {
        for (code, digits) in [("RUB", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("XOF", 0), ("BYN", 2), ("ZWG", 2)] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!((currency.code(), currency.minor_digits()), (code, digits));
        }
    }

    #[test]
    fn codes_are_three_capitals_and_no_code_is_told_twice() {
        let mut all: Vec<&str> = CURRENCIES.iter().flat_map(|(_, codes)| codes.split_ascii_whitespace()).collect();
        assert!(all.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn every_code_is_found() {
        for (minor_digits, codes) in CURRENCIES {
            let codes: Vec<_> = codes.split_ascii_whitespace().collect();
            assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == 3));
            for code in codes {
                let currency: Currency = code.parse().unwrap();
                assert_eq!((currency.code(), currency.minor_digits()), (code, *minor_digits));
            }
        }
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for wrong in ["", "RUR", "rub", "RUB ", "RU", "RUBB", "XXX", "XTS", "XAU", "РУБ", "643"] {
            assert_eq!(wrong.parse::<Currency>(), Err(InvalidCurrency), "{wrong}");
        }
        assert!(serde_json::from_str::<Currency>("\"XXX\"").unwrap_err().to_string().contains("ISO 4217"));
        assert_eq!(serde_json::to_string(&"RUB".parse::<Currency>().unwrap()).unwrap(), "\"RUB\"");
    }
}
