//! Components that were built without this project's SDK deploy and serve.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use datamp_tests::{
    case::Database,
    component::{self, built, repository},
    host::{Host, Settings, command},
    http::{Outgoing, PATIENCE},
    load::Load,
    wait::until,
};

/// The deadline in the manifests of both components for plain `wasi:http`.
const DEADLINE: Duration = Duration::from_secs(2);

async fn serving(name: &str) -> Host {
    let file = built(&format!("case_{}", name.replace('-', "_")));
    Settings::new(Database::Sqlite).component(file).start().await
}

#[tokio::test]
async fn wasi_http_0_2_serves() {
    serves("wasi-http-02", "wasi:http 0.2").await;
}

#[tokio::test]
async fn wasi_http_0_3_serves() {
    serves("wasi-http-03", "wasi:http 0.3").await;
}

async fn serves(name: &str, what: &str) {
    let host = serving(name).await;
    assert_eq!(host.control.component(name).await["runner"], "wasi:http");

    let answer = host.get(&format!("/{name}/a/b?c=d")).await.expect(200);
    assert_eq!(answer.text(), format!("{what} serves /{name}/a/b?c=d"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert!(answer.header("x-request-id").is_some());

    let body: Vec<u8> = (0..900_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let echoed = host.send(Outgoing::new("POST", &format!("/{name}/echo")).body(body.clone())).await.expect(200);
    assert!(echoed.body == body, "{} bytes came back", echoed.body.len());
}

#[tokio::test]
async fn wasi_http_0_2_keeps_its_limits() {
    keeps_limits("wasi-http-02").await;
}

#[tokio::test]
async fn wasi_http_0_3_keeps_its_limits() {
    keeps_limits("wasi-http-03").await;
}

async fn keeps_limits(name: &str) {
    let mut host = serving(name).await;
    let neighbour = component::built("case_hello");
    host.control.deployed(fs::read(neighbour).unwrap()).await;
    let load = Load::of_path(host.public, 2, "/hello/json");

    let long = vec![b'x'; (1 << 20) + 1];
    let answer = host.send(Outgoing::new("POST", &format!("/{name}/echo")).body(long)).await;
    answer.expect_problem(413, "body-too-large");
    for _ in 0..10 {
        host.get(&format!("/{name}/trap")).await.expect_problem(500, "component-failed");
        host.get(&format!("/{name}/next")).await.expect(200);
    }

    load.advance(20).await;
    load.stop().await.assert_flawless(20);
    host.assert_well().await;
}

#[tokio::test]
async fn a_request_to_wasi_http_0_2_counts_as_under_way_though_its_client_has_gone() {
    counts_without_its_client("wasi-http-02").await;
}

#[tokio::test]
async fn a_request_to_wasi_http_0_3_counts_as_under_way_though_its_client_has_gone() {
    counts_without_its_client("wasi-http-03").await;
}

async fn counts_without_its_client(name: &str) {
    let host = serving(name).await;
    let began = Instant::now();
    let client = asking(&host, &format!("/{name}/stuck"));
    // On a machine that is slow enough it is over before it is seen.
    let is_seen = async || under_way(&host, name).await == 1 || began.elapsed() >= DEADLINE;
    until("it is under way", async || is_seen().await.then_some(())).await;
    drop(client);
    until("it has ended", async || (under_way(&host, name).await == 0).then_some(())).await;
    let lasted = began.elapsed();
    assert!(lasted >= DEADLINE, "the instance was at work until its deadline, and was counted for {lasted:?}");
    host.get(&format!("/{name}/next")).await.expect(200);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_wasi_http_0_2_up_until_the_deadline_alone() {
    lets_go_of_a_client_that_does_not_read("wasi-http-02").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_wasi_http_0_3_up_until_the_deadline_alone() {
    lets_go_of_a_client_that_does_not_read("wasi-http-03").await;
}

async fn lets_go_of_a_client_that_does_not_read(name: &str) {
    let host = serving(name).await;
    let mut client = asking(&host, &format!("/{name}/large"));
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = [0; 9];
    client.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 ");
    until("it no longer counts", async || (under_way(&host, name).await == 0).then_some(())).await;
    host.get(&format!("/{name}/next")).await.expect(200);
    drop(client);
}

/// A client that has sent a GET.
fn asking(host: &Host, path: &str) -> TcpStream {
    let mut client = TcpStream::connect(host.public).unwrap();
    client.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
    client
}

async fn under_way(host: &Host, name: &str) -> u64 {
    host.control.component(name).await["in_flight"].as_u64().unwrap()
}

#[tokio::test]
async fn wasi_http_0_2_is_swapped_without_a_failed_request() {
    is_swapped("wasi-http-02").await;
}

#[tokio::test]
async fn wasi_http_0_3_is_swapped_without_a_failed_request() {
    is_swapped("wasi-http-03").await;
}

async fn is_swapped(name: &str) {
    let host = serving(name).await;
    let file = fs::read(built(&format!("case_{}", name.replace('-', "_")))).unwrap();
    let load = Load::of_path(host.public, 4, &format!("/{name}/a"));
    for number in 0..10 {
        load.advance(30).await;
        host.control.deployed(component::variant(&file, number)).await;
    }
    load.advance(30).await;
    load.stop().await.assert_flawless(300);
    assert_eq!(host.control.active(name).await, 11);
}

#[tokio::test]
async fn a_component_made_from_the_contracts_alone_serves() {
    let host = serving("plain-wit").await;
    let answer = host.get("/plain-wit/x").await.expect(200);
    assert_eq!(answer.text(), "Good day from plain-wit 0.3.1, generation 1");
    assert!(host.control.logs("plain-wit").await.contains("somebody was greeted"));

    // An operator's setting comes in with the next activation.
    let set = host.command(&["set", "plain-wit", "greeting", "Good evening"]);
    assert!(set.succeeded, "{}", set.errors);
    host.control.deployed(fs::read(built("case_plain_wit")).unwrap()).await;
    let answer = host.get("/plain-wit/x").await.expect(200);
    assert_eq!(answer.text(), "Good evening from plain-wit 0.3.1, generation 2");
}

/// As the template has it, but for the world that it targets, and what it then does.
const WITH_CARGO_COMPONENT: &str = r#"
#[allow(warnings)]
mod bindings;

use bindings::exports::datamp::http::handler::{Guest, Request, Response};

#[unsafe(link_section = "datamp:manifest")]
#[used]
static MANIFEST: [u8; include_bytes!("../component.toml").len()] = *include_bytes!("../component.toml");

struct Component;

impl Guest for Component {
    fn handle(request: Request) -> Response {
        let body = format!("{} was asked for by {}", request.path, request.client_address);
        Response { status: 200, headers: vec![("content-type".into(), "text/plain".into())], body: body.into_bytes() }
    }
}

bindings::export!(Component with_types_in bindings);
"#;

#[tokio::test]
async fn a_component_made_by_cargo_component_serves() {
    let folder = tempfile::tempdir().unwrap();
    let file = made_by_cargo_component(folder.path());
    let host = Settings::new(Database::Sqlite).start().await;
    host.control.deployed(fs::read(file).unwrap()).await;
    let answer = host.get("/third-party/x").await.expect(200);
    assert_eq!(answer.text(), "/third-party/x was asked for by 127.0.0.1");
}

/// What a third party does: `cargo component new`, the published contract as the target, `cargo component build`.
fn made_by_cargo_component(folder: &Path) -> PathBuf {
    let no_configuration = folder.join("none.toml");
    fs::write(&no_configuration, "").unwrap();
    let cargo = |folder: &Path, arguments: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.arg("component").args(arguments).current_dir(folder);
        cargo.env("PATH", path_with_cargo_component()).env_remove("CARGO_TARGET_DIR");
        // Nothing but crates.io is asked: neither a component registry nor what this user has configured.
        cargo
            .env("CARGO_NET_RETRY", "10")
            .env("CARGO_COMPONENT_CONFIG_FILE", &no_configuration)
            .env("CARGO_COMPONENT_CACHE_DIR", folder.join("cache"));
        let ran = command(&mut cargo);
        assert!(ran.succeeded, "cargo component {arguments:?}: {}", ran.errors);
    };
    cargo(folder, &["new", "--lib", "third-party", "--vcs", "none", "--editor", "none"]);
    let package = folder.join("third-party");
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
    let target = repository().join("wit/http/1.0.0");
    let target = format!("[package.metadata.component.target]\npath = {target:?}\nworld = \"service\"\n");
    assert!(manifest.contains("[package.metadata.component.dependencies]"), "{manifest}");
    let manifest = manifest.replace("[package.metadata.component.dependencies]", &target);
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::write(package.join("src/lib.rs"), WITH_CARGO_COMPONENT).unwrap();
    let manifest = "name = \"third-party\"\nversion = \"0.1.0\"\nroutes = [\"/third-party\"]\n";
    fs::write(package.join("component.toml"), manifest).unwrap();
    cargo(&package, &["build", "--release"]);
    package.join("target/wasm32-wasip1/release/third_party.wasm")
}

fn path_with_cargo_component() -> std::ffi::OsString {
    let tools = repository().join("target/tools/bin");
    assert!(tools.join("cargo-component").is_file(), "cargo-component is not there: run `cargo xtask test`");
    let before = env::var_os("PATH").unwrap();
    env::join_paths([tools].into_iter().chain(env::split_paths(&before))).unwrap()
}
