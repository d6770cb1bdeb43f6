//! Serde's words for a value that does not fit, as a client is to read them: of JSON, and not of Rust.

/// What must be there, and what was. Words that are not serde's own (a type says itself what it takes) stay as they are.
pub(super) fn plain(words: &str) -> String {
    // Serde takes an array for the fields in their order, and so reports its length.
    let is_array = words.starts_with("invalid length ") && words.contains(", expected struct ");
    if is_array {
        return "must be an object, not an array".to_owned();
    }
    let known = ["invalid type: ", "invalid value: "];
    let rest = known.iter().find_map(|start| words.strip_prefix(start));
    match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, wanted)) => format!("must be {}, not {}", wanted_in_json(wanted), found_in_json(found)),
        None => words.to_owned(),
    }
}

fn wanted_in_json(wanted: &str) -> &str {
    match wanted {
        "i8" => "a whole number from -128 to 127",
        "i16" => "a whole number from -32768 to 32767",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" => "a whole number of 64 bits",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number of 64 bits, not negative",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        wanted if wanted.starts_with("struct ") => "an object",
        wanted => wanted,
    }
}

/// Numbers are told; texts are not, since they may be as long as the body.
fn found_in_json(found: &str) -> &str {
    let quoted = ["integer `", "floating point `", "boolean `"];
    let number = quoted.iter().find_map(|start| found.strip_prefix(start)?.strip_suffix('`'));
    match found {
        "map" => "an object",
        "sequence" => "an array",
        found if found.starts_with("string ") => "a string",
        found => number.unwrap_or(found),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn types_are_those_of_json() {
        for (words, told) in [
            ("invalid type: string \"150\", expected i64", "must be a whole number of 64 bits, not a string"),
            (
                "invalid type: floating point `1.5`, expected u32",
                "must be a whole number from 0 to 4294967295, not 1.5",
            ),
            ("invalid value: integer `-1`, expected u8", "must be a whole number from 0 to 255, not -1"),
            ("invalid type: null, expected a string", "must be a string, not null"),
            ("invalid type: map, expected a sequence", "must be an array, not an object"),
            ("invalid type: sequence, expected a boolean", "must be true or false, not an array"),
            ("invalid type: boolean `true`, expected struct NewPayment", "must be an object, not true"),
            ("invalid type: string \", expected x\", expected a string", "must be a string, not a string"),
            ("invalid length 0, expected struct NewPayment with 4 elements", "must be an object, not an array"),
            ("must be the code of a currency", "must be the code of a currency"),
            ("unknown variant `x`, expected `a` or `b`", "unknown variant `x`, expected `a` or `b`"),
        ] {
            assert_eq!(plain(words), told);
        }
    }
}
