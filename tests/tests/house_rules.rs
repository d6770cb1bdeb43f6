//! The rules of the house, checked on the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use datamp_tests::{
    component::{contracts, repository},
    host,
};
use serde_json::Value;
use wit_parser::{PackageId, Resolve};

/// Folders that hold nothing that was written by hand.
const GENERATED: [&str; 5] = [".git", "target", "node_modules", "data", "sources"];

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !GENERATED.contains(&name) {
                    left.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

fn shown(file: &Path) -> String {
    file.strip_prefix(repository()).unwrap().display().to_string()
}

/// What a crate is built from, in this repository, however deep.
fn own_dependencies(of: &str) -> BTreeSet<String> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--no-deps"])
        .current_dir(repository())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages: BTreeMap<String, Vec<String>> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            // What only its tests use is not part of it.
            let own = dependencies.filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev");
            (name_of(package), own.map(name_of).collect())
        })
        .collect();
    let mut found = BTreeSet::new();
    let mut left = vec![of.to_owned()];
    while let Some(name) = left.pop() {
        for dependency in &packages[&name] {
            if found.insert(dependency.clone()) {
                left.push(dependency.clone());
            }
        }
    }
    found
}

fn name_of(package: &Value) -> String {
    package["name"].as_str().unwrap().to_owned()
}

#[test]
fn the_host_depends_on_nothing_of_the_business() {
    // Comparing OpenAPI documents knows no business either.
    assert_eq!(own_dependencies("datamp-host"), BTreeSet::from(["datamp-openapi".to_owned()]));
    // The same question of a crate that does, so that an answer of nothing means something.
    assert!(own_dependencies("datamp-core").contains("datamp-models"));
}

/// Words of the business, in the singular.
const BUSINESS: [&str; 24] = [
    "advert",
    "advertiser",
    "advertising",
    "auction",
    "balance",
    "bid",
    "bidder",
    "bidding",
    "budget",
    "campaign",
    "currency",
    "invoice",
    "kopeck",
    "ledger",
    "marketplace",
    "merchant",
    "money",
    "payment",
    "refund",
    "ruble",
    "shop",
    "tariff",
    "topup",
    "wallet",
];

/// The words of a line, in lower case: `ShopId`, `shop_id` and `SHOP-ID` are `shop` and `id`.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if c.is_alphabetic() {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn of_the_business(line: &str) -> Option<String> {
    let words = words(line);
    let singular = |word: &str| match word {
        "currencies" => "currency".to_owned(),
        word => word.strip_suffix('s').unwrap_or(word).to_owned(),
    };
    let alone =
        words.iter().find(|word| BUSINESS.contains(&word.as_str()) || BUSINESS.contains(&singular(word).as_str()));
    let together = words.windows(2).find(|pair| pair[0] == "top" && singular(&pair[1]) == "up");
    alone.cloned().or_else(|| together.map(|pair| pair.join("-")))
}

#[test]
fn the_host_has_no_word_of_the_business() {
    for (line, expected) in [
        ("struct ShopId;", Some("shop")),
        ("// moves currencies", Some("currencies")),
        ("top_up(1)", Some("top-up")),
        ("workshop, shopping, forbidding, on top of up", None),
    ] {
        assert_eq!(of_the_business(line).as_deref(), expected, "{line}");
    }
    let mut found = Vec::new();
    let folders = [repository().join("host"), repository().join("openapi")];
    for file in folders.iter().flat_map(|folder| files(folder, &[".rs", ".sql", ".toml", ".md", ".html"])) {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if let Some(word) = of_the_business(line) {
                found.push(format!("{}:{}: {word}: {}", shown(&file), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn published_contracts_have_not_changed() {
    let faults = xtask::wit::faults(&repository()).unwrap();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_minor_version_of_a_contract_only_adds() {
    let contracts = contracts();
    let mut versions: BTreeMap<String, Vec<PackageId>> = BTreeMap::new();
    for (id, package) in contracts.packages.iter() {
        let name = format!("{}:{}", package.name.namespace, package.name.name);
        versions.entry(name).or_default().push(id);
    }
    for packages in versions.values_mut() {
        packages.sort_by_key(|id| contracts.packages[*id].name.version.clone());
        for pair in packages.windows(2) {
            let major = |id: PackageId| contracts.packages[id].name.version.as_ref().unwrap().major;
            if major(pair[0]) == major(pair[1]) {
                let names = [0, 1].map(|n| contracts.packages[pair[n]].name.to_string());
                let outcome = compatible(contracts.clone(), pair[0], pair[1]);
                assert!(outcome.is_ok(), "{} breaks {}: {:#}", names[1], names[0], outcome.unwrap_err());
            }
        }
    }
}

#[test]
fn the_check_of_minor_versions_finds_what_breaks() {
    let outcome = |functions: &str| {
        let mut resolve = Resolve::default();
        let older = resolve.push_str("a.wit", "package a:b@1.0.0;\ninterface c { f: func(a: u32); }").unwrap();
        let newer = format!("package a:b@1.1.0;\ninterface c {{ {functions} }}");
        let newer = resolve.push_str("a.wit", &newer).unwrap();
        compatible(resolve, older, newer)
    };
    outcome("f: func(a: u32);").unwrap();
    outcome("f: func(a: u32); g: func();").unwrap();
    assert!(outcome("f: func(a: u64); g: func();").is_err());
    assert!(outcome("g: func();").is_err());
}

/// Whether a component that imports all interfaces of the older version runs where those of the newer are provided.
fn compatible(mut resolve: Resolve, older: PackageId, newer: PackageId) -> anyhow::Result<()> {
    let interfaces: Vec<String> = resolve.packages[older].interfaces.keys().cloned().collect();
    let mut user = |package: PackageId, number: usize| {
        let name = resolve.packages[package].name.clone();
        let imports: String = interfaces.iter().map(|i| format!("import {};\n", name.interface_id(i))).collect();
        // The versions of these packages tell the two worlds apart, and are left out of account in the check.
        let text = format!("package user:of@{number}.0.0;\nworld all {{\n{imports}}}");
        let package = resolve.push_str("world.wit", &text)?;
        anyhow::Ok(resolve.packages[package].worlds["all"])
    };
    let (before, after) = (user(older, 1)?, user(newer, 2)?);
    wit_component::semver_check(resolve, before, after)
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long: Vec<String> =
        files(&repository(), &[".rs", ".wit", ".wat", ".sql", ".js", ".mjs", ".css", ".html", ".toml"])
            .into_iter()
            // A table with a row for each case.
            .filter(|file| !file.ends_with("tests/bad_input.toml"))
            .filter_map(|file| {
                let lines = fs::read_to_string(&file).unwrap().lines().count();
                (lines > 500).then(|| format!("{}: {lines}", shown(&file)))
            })
            .collect();
    assert!(long.is_empty(), "ask of each what the second thing in it is: {long:#?}");
}

#[test]
fn no_file_tells_of_the_machine_it_was_written_on() {
    for file in files(&repository(), &[".rs", ".toml", ".md", ".wit", ".js", ".mjs", ".json", ".yml", "run"]) {
        let text = fs::read_to_string(&file).unwrap();
        for place in [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")] {
            assert!(!text.contains(place), "{} names {place}", shown(&file));
        }
    }
}

const READMES: [&str; 2] = ["README.md", "README.ru.md"];

#[test]
fn the_commands_of_the_readmes_exist() {
    let mut seen = BTreeSet::new();
    let help = host::command(Command::new(host::program()).arg("--help")).output;
    for readme in READMES {
        for line in code(readme) {
            let mut words = line.split_whitespace().skip_while(|word| *word != "xtask" && !word.ends_with("datamp"));
            let (Some(program), Some(command)) = (words.next(), words.next()) else { continue };
            if !command.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
                continue;
            }
            seen.insert(format!("{program} {command}"));
            match program {
                "xtask" => assert!(xtask::cli::commands().iter().any(|name| name == command), "{readme}: {line}"),
                _ => assert!(help.contains(&format!("\n  {command} ")), "{readme}: {line}"),
            }
        }
    }
    assert!(seen.contains("xtask up") && seen.contains("xtask test"), "{seen:?}");
}

#[test]
fn the_readmes_say_the_same_commands() {
    let commands = READMES.map(|readme| {
        let is_command = |line: &String| {
            ["cargo ", "curl ", "datamp ", "target/release/datamp "].iter().any(|start| line.starts_with(start))
        };
        code(readme).into_iter().filter(is_command).collect::<Vec<_>>()
    });
    assert_eq!(commands[0], commands[1]);
}

#[test]
fn the_links_of_the_readmes_lead_somewhere() {
    for readme in READMES {
        let text = fs::read_to_string(repository().join(readme)).unwrap();
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = rest.split([')', '#', ' ']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(repository().join(target).exists(), "{readme} links to {target}");
            }
        }
    }
}

/// The lines that are for a shell: those of fenced blocks, and those that are indented.
fn code(readme: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(readme)).unwrap();
    let mut lines = Vec::new();
    let mut fence = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (None, Some("bash")) => lines.push(line.trim().to_owned()),
            (None, None) if line.starts_with("    ") => lines.push(line.trim().to_owned()),
            (None, _) => {}
        }
    }
    lines
}
