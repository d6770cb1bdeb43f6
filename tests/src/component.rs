//! Files to deploy: those that were built, those made from WebAssembly text, and variants of either.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId, Resolve, WorldId};

/// The world of a component of text that brings none: it serves HTTP and imports nothing.
pub const SERVICE: &str = "package case:service;\nworld service {\n    export datamp:http/handler@1.0.0;\n}\n";

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The file of a built component: `datamp_core` or `case_hello`.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let folder = env::var_os("DATAMP_COMPONENTS")
        .map_or_else(|| repository().join("target/guests/wasm32-wasip2/component"), PathBuf::from);
    let file = folder.join(format!("{name}.wasm"));
    assert!(file.is_file(), "{} is not there: run `cargo xtask components --cases`", file.display());
    file
}

/// The component in a folder of `tests/components`: a crate that was built, or `module.wat` made into a component.
#[must_use]
pub fn in_folder(folder: &Path) -> Vec<u8> {
    if folder.join("Cargo.toml").is_file() {
        let name = folder.file_name().unwrap().to_str().unwrap().replace('-', "_");
        return fs::read(built(&format!("case_{name}"))).unwrap();
    }
    let text = read(&folder.join("module.wat")).unwrap_or_else(|| panic!("no component in {}", folder.display()));
    // A world of the folder's own, or one of the whole case's.
    let world = [folder, folder.parent().unwrap()].iter().find_map(|folder| read(&folder.join("world.wit")));
    let name = folder.file_name().unwrap().to_str().unwrap();
    let mut file = from_text(&text, world.as_deref().unwrap_or(SERVICE), name);
    for (section, source) in [("datamp:manifest", "component.toml"), ("datamp:migrations", "migrations.json")] {
        if let Some(content) = read(&folder.join(source)) {
            file = with_section(&file, section, content.as_bytes());
        }
    }
    file
}

/// Makes a component of a core module's text. `world` is the text of a WIT package; its world is the one named `name`,
/// else the one named `other`, else its only one.
///
/// The text is a whole `(module …)`, or fields that go after `tests/components/prelude.wat`; each import on one line.
#[must_use]
pub fn from_text(text: &str, world: &str, name: &str) -> Vec<u8> {
    let is_whole = text.lines().any(|line| line.starts_with("(module"));
    let whole = if is_whole {
        text.to_owned()
    } else {
        let prelude = fs::read_to_string(repository().join("tests/components/prelude.wat")).unwrap();
        // Imports come before everything else in a module.
        let (imports, rest): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("(import "));
        format!("(module\n{}\n{prelude}\n{}\n)", imports.join("\n"), rest.join("\n"))
    };
    let module = wat::parse_str(&whole).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut resolve = contracts();
    let package = resolve.push_str("world.wit", world).unwrap_or_else(|e| panic!("{name}: {e:#}"));
    let world = named_world(&resolve, package, name);
    encode(module, &resolve, world, name)
}

/// A component that imports and exports all of a world, and traps when it is called.
#[must_use]
pub fn dummy(world: &str, name: &str) -> Vec<u8> {
    let mut resolve = contracts();
    let package = resolve.push_str("world.wit", world).unwrap_or_else(|e| panic!("{name}: {e:#}"));
    let world = named_world(&resolve, package, name);
    encode(dummy_module(&resolve, world, ManglingAndAbi::Standard32), &resolve, world, name)
}

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: WorldId, name: &str) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).unwrap_or_else(|e| panic!("{name}: {e:#}"))
}

fn named_world(resolve: &Resolve, package: PackageId, name: &str) -> WorldId {
    let worlds = &resolve.packages[package].worlds;
    match worlds.get(name).or_else(|| worlds.get("other")) {
        Some(world) => *world,
        None if worlds.len() == 1 => worlds[0],
        None => panic!("there is no world {name} among {:?}", worlds.keys().collect::<Vec<_>>()),
    }
}

/// Everything published in `wit/`.
#[must_use]
pub fn contracts() -> Resolve {
    let mut resolve = Resolve::default();
    let mut left: Vec<PathBuf> =
        folders(&repository().join("wit")).iter().flat_map(|package| folders(package)).collect();
    // A package goes in once those that it uses are in.
    while !left.is_empty() {
        let before = left.len();
        left.retain(|folder| resolve.push_dir(folder).is_err());
        assert!(left.len() < before, "{left:?} can't be parsed");
    }
    resolve
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(of).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

/// The same component with a custom section after everything else.
#[must_use]
pub fn with_section(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    leb128(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    let mut file = component.to_vec();
    file.push(0);
    leb128(&mut file, section.len());
    file.extend_from_slice(&section);
    file
}

/// A component that works the same and is another file.
#[must_use]
pub fn variant(component: &[u8], number: usize) -> Vec<u8> {
    with_section(component, "variant", number.to_string().as_bytes())
}

fn leb128(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let seven = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            return out.push(seven);
        }
        out.push(seven | 0x80);
    }
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that a case that can't be made is found before a host is started for it.
    #[test]
    fn every_component_of_text_is_a_valid_component() {
        let mut count = 0;
        let mut left = vec![repository().join("tests/components")];
        while let Some(folder) = left.pop() {
            left.extend(folders(&folder));
            if folder.join("module.wat").is_file() {
                assert_eq!(in_folder(&folder)[..8], *b"\0asm\x0d\0\x01\0");
                count += 1;
            }
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn lengths_are_written_in_groups_of_seven_bits() {
        let written = |number| {
            let mut out = Vec::new();
            leb128(&mut out, number);
            out
        };
        assert_eq!(written(5), [5]);
        assert_eq!(written(127), [127]);
        assert_eq!(written(128), [0x80, 1]);
        assert_eq!(written(624_485), [0xe5, 0x8e, 0x26]);
    }
}
