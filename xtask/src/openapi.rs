//! `cargo xtask openapi`: the documents of the HTTP APIs, drawn from the code.
//!
//! A component that publishes an API has an example `openapi`, which writes the document, and a folder `openapi/`: in it `v1.json`, what
//! the code says now, and under `released/` what was released, each by its version.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use datamp_openapi::Document;

use crate::{
    repository,
    shell::{cargo, heading, output, run as run_to_end},
};

/// The folder of the component whose API it is.
const COMPONENT: &str = "components/core";

/// Writes what the code says now; as a release, too, if it is to be one.
///
/// # Errors
/// When the code can't be built, or the document breaks what was released.
pub fn run(as_release: bool) -> Result<()> {
    let folder = repository().join(COMPONENT).join("openapi");
    heading("Drawing the API's document");
    // The whole workspace is selected, so that shared crates are built once.
    run_to_end(cargo().args(["build", "--release", "--workspace", "--exclude", "case-*", "--example", "openapi"]))?;
    let drawn = output(&mut Command::new(repository().join("target/release/examples/openapi")))?;
    let document = Document::parse(drawn.as_bytes()).context("the document that was drawn")?;
    check(&folder, &document)?;
    let written = folder.join("v1.json");
    fs::write(&written, &drawn).with_context(|| format!("can't write {}", written.display()))?;
    if as_release { release(&folder, &document, &drawn) } else { Ok(()) }
}

/// Fails where the document breaks the latest release.
fn check(folder: &Path, document: &Document) -> Result<()> {
    let Some(latest) = latest(folder)? else { return Ok(()) };
    let text = fs::read(&latest).with_context(|| format!("can't read {}", latest.display()))?;
    let released = Document::parse(&text).with_context(|| latest.display().to_string())?;
    let breaks = released.breaks(document, datamp_openapi::now());
    if breaks.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = breaks.iter().map(|one| format!("- {one}")).collect();
    bail!("the API breaks clients of version {}:\n{}", released.version(), lines.join("\n"))
}

/// The release with the greatest version.
///
/// # Errors
/// When the folder can't be read, or holds a file that is not named by a version.
pub fn latest(folder: &Path) -> Result<Option<PathBuf>> {
    let released = folder.join("released");
    let mut found: Option<([u64; 3], PathBuf)> = None;
    for entry in fs::read_dir(&released).with_context(|| format!("can't read {}", released.display()))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let numbers: Vec<u64> = name.split('.').filter_map(|number| number.parse().ok()).collect();
        let version: [u64; 3] = numbers.try_into().map_err(|_| anyhow::anyhow!("{} has no version", path.display()))?;
        if found.as_ref().is_none_or(|(known, _)| *known < version) {
            found = Some((version, path));
        }
    }
    Ok(found.map(|(_, path)| path))
}

fn release(folder: &Path, document: &Document, drawn: &str) -> Result<()> {
    let path = folder.join("released").join(format!("{}.json", document.version()));
    match fs::read_to_string(&path) {
        Ok(known) if known == drawn => {}
        Ok(_) => bail!("version {} was released and differs: give the document another version", document.version()),
        Err(_) => {
            fs::write(&path, drawn).with_context(|| format!("can't write {}", path.display()))?;
            println!("released: {}", path.display());
        }
    }
    Ok(())
}
