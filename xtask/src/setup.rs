//! What the builds and the tests need and a fresh machine lacks: found, or installed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{
    build, repository,
    shell::{cargo, find, heading, output, run},
};

/// The test runner's version.
const NEXTEST: &str = "0.9.143";

/// Where the Python programs that the tests start are named, with their versions.
const PYTHON_PROGRAMS: &str = "tests/schemathesis/requirements.txt";

/// The version of cargo-component that components of third parties are tried with.
const CARGO_COMPONENT: &str = "0.21.1";

/// Adds the target that components are compiled for.
///
/// # Errors
/// When there is no rustup, or it can't install the target.
pub fn wasm_target() -> Result<()> {
    let installed = output(Command::new("rustup").args(["target", "list", "--installed"]).current_dir(repository()))?;
    if installed.lines().any(|line| line == build::TARGET) {
        return Ok(());
    }
    heading(&format!("Adding the target {}", build::TARGET));
    run(Command::new("rustup").args(["target", "add", build::TARGET]).current_dir(repository()))
}

/// Where tools are installed that are this repository's own.
#[must_use]
pub fn tools() -> PathBuf {
    repository().join("target/tools")
}

/// Installs cargo-nextest where the machine has none.
///
/// # Errors
/// When it can't be built.
pub fn nextest() -> Result<()> {
    let ours = tools().join("bin/cargo-nextest");
    if ours.is_file() || find("cargo-nextest").is_some() { Ok(()) } else { tool("cargo-nextest", NEXTEST) }
}

/// Installs cargo-component into [`tools`].
///
/// # Errors
/// When it can't be built.
pub fn cargo_component() -> Result<()> {
    let ours = tools().join("bin/cargo-component");
    if ours.is_file() { Ok(()) } else { tool("cargo-component", CARGO_COMPONENT) }
}

fn tool(name: &str, version: &str) -> Result<()> {
    heading(&format!("Installing {name} {version} into target/tools"));
    // A target folder that stays: a build that was interrupted goes on where it was.
    run(cargo()
        .env("CARGO_TARGET_DIR", repository().join("target/tools-build"))
        .args(["install", name, "--locked", "--version", version, "--root"])
        .arg(tools()))
}

/// A program of the system that the tests start, and the Debian package that has it.
struct Needed {
    what: &'static str,
    package: &'static str,
    is_there: fn() -> bool,
}

const POSTGRESQL: Needed = Needed {
    what: "PostgreSQL's server",
    package: "postgresql",
    is_there: || find("initdb").is_some() || debian_postgresql("/usr/lib/postgresql"),
};

const TOOLS: [Needed; 6] = [
    Needed {
        what: "Python's venv",
        package: "python3-venv",
        // Debian keeps in a package of its own what a venv gets pip from.
        is_there: || output(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok(),
    },
    Needed {
        what: "Node.js 20 or later",
        package: "nodejs",
        is_there: || node_major().is_some_and(|major| major >= 20),
    },
    Needed { what: "npm", package: "npm", is_there: || find("npm").is_some() },
    Needed { what: "Chromium", package: "chromium", is_there: || find("chromium").is_some() },
    Needed { what: "curl", package: "curl", is_there: || find("curl").is_some() },
    Needed { what: "OpenSSL", package: "openssl", is_there: || find("openssl").is_some() },
];

/// `v20.19.2`: 20.
fn node_major() -> Option<u32> {
    output(Command::new("node").arg("--version")).ok()?.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Whether `initdb` is in one of the folders, one for each major version, where Debian keeps it off the `PATH`.
fn debian_postgresql(folder: &str) -> bool {
    fs::read_dir(folder)
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").is_file()))
}

/// Installs PostgreSQL's server where it is missing.
///
/// # Errors
/// Names it, when it can't be installed here.
pub fn postgresql() -> Result<()> {
    install([&POSTGRESQL])
}

/// Installs everything of the system that the tests start.
///
/// # Errors
/// Names what is missing, when it can't be installed here.
pub fn system() -> Result<()> {
    install([&POSTGRESQL].into_iter().chain(&TOOLS))
}

fn install<'a>(needed: impl IntoIterator<Item = &'a Needed>) -> Result<()> {
    let missing: Vec<&Needed> = needed.into_iter().filter(|n| !(n.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|n| n.what).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().map(|n| n.package).collect();
    if find("apt-get").is_none() || !is_root()? {
        bail!("the tests need {names}; on Debian, as root: apt-get install {}", packages.join(" "));
    }
    heading(&format!("Installing {names}"));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        command
    };
    run(apt().arg("update"))?;
    run(apt().args(["install", "--yes", "--no-install-recommends"]).args(&packages))?;
    // What this release of the system has may be too old.
    let still: Vec<&str> = missing.iter().filter(|n| !(n.is_there)()).map(|n| n.what).collect();
    if !still.is_empty() {
        bail!(
            "the tests need {}, and what the package manager has is another version: install it by hand",
            still.join(", ")
        );
    }
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// Installs the npm packages that a folder's `package-lock.json` names, unless they are those already there.
///
/// # Errors
/// When npm fails.
pub fn npm_packages(folder: &Path) -> Result<()> {
    let wanted = folder.join("package-lock.json");
    // npm writes this file last, so a set-up that was interrupted is done again.
    let installed = folder.join("node_modules/.package-lock.json");
    let time = |path: &Path| fs::metadata(path).and_then(|m| m.modified());
    if let (Ok(wanted), Ok(installed)) = (time(&wanted), time(&installed))
        && installed > wanted
    {
        return Ok(());
    }
    heading(&format!(
        "Installing the npm packages of {}",
        folder.strip_prefix(repository()).unwrap_or(folder).display()
    ));
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
    // The browser is Debian's; no package fetches one of its own.
    for name in ["PUPPETEER_SKIP_DOWNLOAD", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD"] {
        if env::var_os(name).is_none() {
            npm.env(name, "1");
        }
    }
    run(&mut npm)
}

/// Installs the Python programs of the tests into a venv under [`tools`], unless they are those already there.
///
/// # Errors
/// When Python or pip fails.
pub fn python_programs() -> Result<()> {
    let venv = tools().join("schemathesis");
    // Elsewhere, or with another Python, a venv does not run.
    let python = output(Command::new("python3").arg("--version"))?;
    let programs = fs::read_to_string(repository().join(PYTHON_PROGRAMS))?;
    let wanted = format!("{}\n{python}{programs}", venv.display());
    // Written last, so a set-up that was interrupted is done again.
    let mark = venv.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    heading("Installing the Python programs of the tests into target/tools");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(repository().join(PYTHON_PROGRAMS)))?;
    fs::write(&mark, wanted)?;
    Ok(())
}
