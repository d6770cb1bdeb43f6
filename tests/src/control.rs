//! A host's control API.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::http::{Answer, Outgoing};

/// How long a change may take: a deployment compiles.
const PATIENCE: Duration = Duration::from_secs(240);

/// Where the control API of a host is, and its token.
#[derive(Clone, Debug)]
pub struct Control {
    /// Its address.
    pub address: SocketAddr,
    /// The token.
    pub token: String,
}

impl Control {
    /// Sends a request with the token.
    pub async fn send(&self, request: Outgoing) -> Answer {
        let shown = format!("{request:?}");
        let answer = request.bearer(&self.token).send(self.address, PATIENCE).await;
        answer.unwrap_or_else(|error| panic!("{shown:.300}: {error:#}"))
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Value {
        self.send(Outgoing::get(path)).await.expect(200).json()
    }

    /// Deploys a file, with the asks that it is granted, or `["all"]`.
    pub async fn deploy(&self, file: Vec<u8>, grant: &[String]) -> Answer {
        let path = format!("/v1/deployments?by=tests&reason=a%20test&grant={}", encoded(&grant.join(",")));
        self.send(Outgoing::new("POST", &path).header("content-type", "application/wasm").body(file)).await
    }

    /// Deploys a file with all that it asks for, and answers the number of its generation.
    pub async fn deployed(&self, file: Vec<u8>) -> u64 {
        let answer = self.deploy(file, &["all".to_owned()]).await.expect(201);
        answer.json()["generation"]["number"].as_u64().unwrap()
    }

    /// Makes a generation the active one.
    pub async fn activate(&self, component: &str, number: u64) -> Answer {
        let body = json!({"by": "tests", "reason": "a test", "generation": number});
        self.send(Outgoing::post(&format!("/v1/components/{component}/activate"), &body)).await
    }

    /// Makes the generation before the active one the active one.
    pub async fn rollback(&self, component: &str) -> Answer {
        let body = json!({"by": "tests", "reason": "a test"});
        self.send(Outgoing::post(&format!("/v1/components/{component}/rollback"), &body)).await
    }

    /// One component at one glance.
    pub async fn component(&self, name: &str) -> Value {
        self.get(&format!("/v1/components/{name}")).await
    }

    /// The number of the active generation.
    pub async fn active(&self, name: &str) -> u64 {
        self.component(name).await["active"]["number"].as_u64().unwrap()
    }

    /// The value of a secret.
    pub async fn secret(&self, component: &str, name: &str) -> String {
        let secret = self.get(&format!("/v1/components/{component}/secrets/{name}")).await;
        secret["value"].as_str().unwrap().to_owned()
    }

    /// The newest log records of a component, one JSON object in each line.
    pub async fn logs(&self, component: &str) -> String {
        self.send(Outgoing::get(&format!("/v1/logs?limit=1000&component={component}"))).await.expect(200).text()
    }

    /// The text of the newest mail to an address.
    pub async fn newest_mail(&self, to: &str) -> Option<String> {
        let mails = self.get(&format!("/v1/mail?limit=1&to={}", encoded(to))).await;
        Some(mails[0]["text"].as_str()?.to_owned())
    }
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
