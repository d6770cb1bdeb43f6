//! The command line against a running host, used rightly and wrongly.

use std::{fs, path::Path, process::Command};

use datamp_tests::{
    case::Database,
    component::{built, in_folder, repository, variant},
    host::{Host, Ran, Settings, command, program},
    http::{Outgoing, PATIENCE},
};
use serde_json::Value;

async fn host() -> Host {
    Settings::new(Database::Sqlite).component(built("case_hello")).start().await
}

fn hello() -> Vec<u8> {
    fs::read(built("case_hello")).unwrap()
}

/// Writes a file beside the host's data, and answers its path.
fn file(host: &Host, name: &str, content: &[u8]) -> String {
    let path = host.data().join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn case(name: &str) -> Vec<u8> {
    in_folder(&repository().join("tests/components").join(name))
}

fn succeeded(ran: Ran) -> String {
    assert!(ran.succeeded, "{}{}", ran.output, ran.errors);
    ran.output
}

/// A command that fails says why in one line, for people, and prints nothing else.
fn failed(ran: Ran, says: &[&str]) {
    assert!(!ran.succeeded, "{}", ran.output);
    assert_eq!(ran.output, "");
    assert!(ran.errors.starts_with("datamp: "), "{}", ran.errors);
    assert!(!ran.errors.contains("panicked"), "{}", ran.errors);
    for text in says {
        assert!(ran.errors.contains(text), "it does not say {text:?}: {}", ran.errors);
    }
}

#[tokio::test]
async fn status_shows_the_components_and_their_generations() {
    let host = host().await;
    let status = succeeded(host.command(&["status"]));
    let hello = status.lines().find(|line| line.starts_with("hello")).unwrap();
    assert!(hello.contains("0.1.0") && hello.contains("/hello") && hello.contains("active"), "{status}");

    let history = succeeded(host.command(&["status", "hello"]));
    assert_eq!(history.lines().count(), 2, "{history}");
    let json: Value = serde_json::from_str(&succeeded(host.command(&["status", "hello", "--json"]))).unwrap();
    assert_eq!((&json[0]["number"], &json[0]["state"]), (&1.into(), &"active".into()));
}

#[tokio::test]
async fn deploy_swaps_and_rollback_and_activate_swap_back() {
    let host = host().await;
    let second = file(&host, "second.wasm", &variant(&hello(), 2));
    let deployed = succeeded(host.command(&["deploy", &second, "--by", "anna", "--reason", "a new greeting"]));
    assert!(deployed.contains("hello 0.1.0 is active as generation 2"), "{deployed}");
    assert_eq!(host.control.active("hello").await, 2);

    succeeded(host.command(&["rollback", "hello", "--by", "boris", "--reason", "it was too loud"]));
    assert_eq!(host.control.active("hello").await, 1);
    succeeded(host.command(&["activate", "hello", "2"]));
    assert_eq!(host.control.active("hello").await, 2);
    host.get("/hello/json").await.expect(200);

    let history = succeeded(host.command(&["status", "hello", "--json"]));
    assert!(history.contains("anna"), "{history}");
}

#[tokio::test]
async fn deploying_a_component_needs_what_it_asks_for_to_be_granted() {
    let host = host().await;
    let path = file(&host, "trap.wasm", &case("trap"));
    failed(host.command(&["deploy", &path]), &["trap", "route:/trap"]);
    host.get("/trap/k").await.expect_problem(404, "no-route");
    succeeded(host.command(&["deploy", &path, "--grant-ask", "route:/trap"]));
    host.get("/trap/k").await.expect(200);
    // What was granted once need not be granted again.
    let next = file(&host, "next.wasm", &variant(&case("trap"), 2));
    succeeded(host.command(&["deploy", &next]));
}

#[tokio::test]
async fn inspect_tells_what_a_file_says_of_itself_and_needs_no_host() {
    let path = built("case_hello");
    let inspect = |arguments: &[&str]| command(Command::new(program()).arg("inspect").args(arguments));
    let told = succeeded(inspect(&[path.to_str().unwrap()]));
    for text in ["hello 0.1.0", "route:/hello", "datamp:http/handler@1.0.0"] {
        assert!(told.contains(text), "{told}");
    }
    let json: Value = serde_json::from_str(&succeeded(inspect(&[path.to_str().unwrap(), "--json"]))).unwrap();
    assert_eq!((&json["component"], &json["asks"][0]), (&"hello".into(), &"route:/hello".into()));

    failed(inspect(&["/nowhere/at.all"]), &["/nowhere/at.all"]);
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("a.wasm");
    fs::write(&text, "no component").unwrap();
    failed(inspect(&[text.to_str().unwrap()]), &["no WebAssembly component"]);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let host = host().await;
    failed(host.command(&["deploy", "/nowhere/at.all"]), &["/nowhere/at.all"]);
    failed(host.command(&["status", "ghost"]), &["ghost"]);
    failed(host.command(&["rollback", "ghost"]), &["ghost"]);
    failed(host.command(&["activate", "hello", "77"]), &["77"]);
    failed(host.command(&["activate", "hello", "1"]), &["active already"]);
    failed(host.command(&["rollback", "hello"]), &["hello"]);
    failed(host.command(&["status", "../v1"]), &["../v1"]);
    failed(host.command(&["secret", "show", "hello", "none"]), &["none"]);
    assert_eq!(host.control.active("hello").await, 1);
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_refused_with_help() {
    for arguments in [&["fly"][..], &["deploy"], &["activate", "hello", "minus one"], &["up", "--listen", "here"], &[]]
    {
        let ran = command(Command::new(program()).args(arguments));
        assert!(!ran.succeeded && ran.errors.contains("help"), "{arguments:?}: {ran:?}");
    }
    let help = succeeded(command(Command::new(program()).arg("--help")));
    for name in ["up", "deploy", "activate", "rollback", "status", "inspect", "logs"] {
        assert!(help.contains(&format!("\n  {name} ")), "{help}");
    }
}

#[tokio::test]
async fn logs_are_told_by_component() {
    let host = Settings::new(Database::Sqlite).component(built("case_panic")).start().await;
    host.get("/panic/now").await.expect(500);
    let told = succeeded(host.command(&["logs", "--component", "panic"]));
    assert!(told.contains("a guest's own words, told to 127.0.0.1"), "{told}");
    let json = succeeded(host.command(&["logs", "--component", "panic", "--level", "error", "--json"]));
    let record: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&record["service.name"], &record["log.level"]), (&"panic".into(), &"error".into()));
    assert_eq!(succeeded(host.command(&["logs", "--component", "ghost"])), "");
}

#[tokio::test]
async fn without_the_token_the_control_api_tells_and_does_nothing() {
    let host = host().await;
    let second = variant(&hello(), 2);
    for (method, path) in [
        ("GET", "/v1/status"),
        ("GET", "/v1/logs"),
        ("GET", "/v1/mail"),
        ("GET", "/v1/components/hello/secrets/x"),
        ("POST", "/v1/deployments?by=x&grant=all"),
        ("POST", "/v1/components/hello/rollback"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
    ] {
        for token in [None, Some(""), Some("wrong"), Some(&host.control.token[1..])] {
            let mut request = Outgoing::new(method, path).body(second.clone());
            if let Some(token) = token {
                request = request.bearer(token);
            }
            let answer = request.send(host.control.address, PATIENCE).await.unwrap();
            answer.expect_problem(401, "unauthorised");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(host.control.active("hello").await, 1);
    failed(host.command(&["status", "--token", "wrong"]), &["token"]);
}

#[tokio::test]
async fn the_token_and_the_data_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let host = host().await;
    for name in ["control.token", "master.key"] {
        let mode = fs::metadata(host.data().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    drop(folder);
}

#[tokio::test]
async fn without_a_host_a_command_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        |arguments: &[&str], data: &Path| command(Command::new(program()).args(arguments).env("DATAMP_DATA", data));
    failed(run(&["status"], folder.path()), &["no host runs from", "datamp up"]);
    // A port that nobody listens on, and nobody else is given meanwhile.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    failed(run(&["status", "--control-url", &url, "--token", "t"], folder.path()), &["no host answers", &url]);
    failed(run(&["status", "--control-url", "no url", "--token", "t"], folder.path()), &["no url"]);
}

#[tokio::test]
async fn a_second_host_on_the_same_port_says_which() {
    let host = host().await;
    let folder = tempfile::tempdir().unwrap();
    let address = host.public.to_string();
    let data = folder.path().to_str().unwrap();
    let ran =
        command(Command::new(program()).args(["up", "--data", data, "--listen", &address, "--control", "127.0.0.1:0"]));
    assert!(!ran.succeeded);
    assert!(ran.errors.contains(&address) && ran.errors.contains("--listen"), "{}", ran.errors);
}
