//! What was published once goes on being given: components that were built against it are not built again.

use std::fmt::Write as _;

use datamp_tests::{
    case::Database,
    component::{contracts, dummy, with_section},
    host::Settings,
};
use serde_json::json;

/// What the host gives, by package; what a version does not have yet is left out.
const OF_THE_HOST: [(&str, &[&str]); 10] = [
    ("config", &["values", "secrets", "environment"]),
    ("crypto", &["passwords", "tokens", "signatures"]),
    ("database", &["sql"]),
    ("deployments", &["control", "commands", "work"]),
    ("http", &["client"]),
    ("jobs", &["scheduler"]),
    ("limits", &["rates"]),
    ("logging", &["log"]),
    ("mail", &["sender", "mailbox"]),
    ("messaging", &["publisher"]),
];

#[tokio::test]
async fn every_version_of_what_the_host_gives_is_given() {
    let host = Settings::new(Database::Sqlite).start().await;
    let contracts = contracts();
    let mut versions = 0;
    for (_, package) in &contracts.packages {
        let name = &package.name;
        let known = OF_THE_HOST.iter().find(|(of, _)| name.namespace == "datamp" && name.name == *of);
        let Some((of, interfaces)) = known else { continue };
        let version = name.version.as_ref().unwrap();
        let mut world = format!("package case:{of};\nworld service {{ export datamp:http/handler@1.0.0;\n");
        let mut uses = Vec::new();
        for interface in interfaces.iter().filter(|interface| package.interfaces.contains_key(**interface)) {
            writeln!(world, "import datamp:{of}/{interface}@{version};").unwrap();
            uses.push(format!("\"datamp:{of}/{interface}\""));
        }
        assert!(!uses.is_empty(), "{name}");
        if *of == "jobs" {
            // What schedules work does it.
            writeln!(world, "export datamp:jobs/job@{version};").unwrap();
        }
        let uses = if ["deployments", "mail"].contains(of) { uses.join(", ") } else { String::new() };
        let component = format!("{of}-{}-{}", version.major, version.minor);
        let mut manifest =
            format!("name = \"{component}\"\nversion = \"1.0.0\"\nroutes = [\"/{component}\"]\nuses = [{uses}]\n");
        let mut file = dummy(&format!("{world}}}"), "service");
        if *of == "messaging" {
            manifest.push_str("[messaging]\npublishes = [\"messaging.tests\"]\n");
        }
        if ["database", "jobs", "messaging"].contains(of) {
            // Whatever has to do with transactions has a table.
            manifest.push_str("[database]\nmigrations = \"contracts\"\n[database.tables]\nnote = [\"select\"]\n");
            let table = "CREATE TABLE note (id BIGINT PRIMARY KEY)";
            let first = json!({"number": 1, "name": "note", "sqlite": table, "postgresql": table});
            let set = json!({"set": "contracts", "migrations": [first]});
            file = with_section(&file, "datamp:migrations", set.to_string().as_bytes());
        }
        let file = with_section(&file, "datamp:manifest", manifest.as_bytes());
        host.control.deployed(file).await;
        assert_eq!(host.control.active(&component).await, 1);
        versions += 1;
    }
    assert!(versions > OF_THE_HOST.len(), "each package once, and deployments twice: {versions}");
}
