//! Draws the pages that show the API's document, `openapi/v1.json`: one in each language.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

mod page;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi/v1.json");
    println!("cargo::rerun-if-changed=page.rs");
    let document = serde_json::from_slice(&fs::read("openapi/v1.json")?)?;
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    for words in [&page::ENGLISH, &page::RUSSIAN] {
        fs::write(folder.join(format!("docs.{}.html", words.code)), page::page(&document, words))?;
    }
    Ok(())
}
