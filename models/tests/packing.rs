//! What a folder of migrations may hold, and what it is packed into.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../packing.rs"]
mod packing;

fn pack(files: &[(&str, &str)]) -> Result<serde_json::Value, String> {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    packing::pack("models", files).map(|packed| serde_json::from_str(&packed).unwrap())
}

#[test]
fn migrations_are_packed_in_order_of_their_numbers() {
    let packed = pack(&[("0002_more.postgresql.sql", "P"), ("0001_first.sql", "S"), ("0002_more.sqlite.sql", "L")]);
    let expected = serde_json::json!({ "set": "models", "migrations": [
        { "number": 1, "name": "first", "sqlite": "S", "postgresql": "S" },
        { "number": 2, "name": "more", "sqlite": "L", "postgresql": "P" },
    ]});
    assert_eq!(packed, Ok(expected));
}

#[test]
fn gaps_duplicates_half_pairs_and_strange_names_are_refused() {
    let cases: &[(&[&str], &str)] = &[
        (&["0002_b.sql"], "0002_b: number 0001 is missing before it"),
        (&["0001_a.sql", "0003_c.sql"], "0003_c: number 0002 is missing before it"),
        (&["0001_a.sql", "0001_b.sql"], "0001_b.sql: number 0001 is taken by `a`"),
        (&["0001_a.sqlite.sql"], "0001_a: the .postgresql.sql of the pair is missing"),
        (&["0001_a.postgresql.sql"], "0001_a: the .sqlite.sql of the pair is missing"),
        (&["0001_a.sql", "0001_a.sqlite.sql"], "0001_a: is either one shared file or a pair, not both"),
    ];
    for (files, message) in cases {
        let files: Vec<_> = files.iter().map(|name| (*name, "")).collect();
        assert_eq!(pack(&files), Err((*message).to_owned()));
    }
    for strange in
        ["1_a.sql", "0001-a.sql", "0001_A.sql", "0001_.sql", "0001_a.mysql.sql", "0001_a.txt", "+001_a.sql", ".swp"]
    {
        assert!(pack(&[(strange, "")]).unwrap_err().starts_with(&format!("{strange}: not ")), "{strange}");
    }
}

#[test]
fn this_package_s_migrations_travel_as_one_document() {
    let document: serde_json::Value = serde_json::from_slice(datamp_models::MIGRATIONS).unwrap();
    assert_eq!(document["set"], "models");
    assert_eq!(document["migrations"][0]["number"], 1);
    assert_eq!(document["migrations"][0]["name"], "core");
    assert!(document["migrations"][0]["sqlite"].as_str().unwrap().contains("CREATE TABLE shop"));
}
