//! Packs `migrations/` into the one JSON document that travels in the components.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

mod packing;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=packing.rs");
    let mut files = Vec::new();
    for entry in fs::read_dir("migrations")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, fs::read_to_string(&path)?));
    }
    let packed = packing::pack("models", files)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.json"), packed)?;
    Ok(())
}
