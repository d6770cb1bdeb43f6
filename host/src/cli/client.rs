//! The control API, as the command line calls it.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use reqwest::{Client as Http, Method, Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Target;

/// The file in the data folder that says where a host listens.
pub(super) const ADDRESSES: &str = "addresses.json";
/// The file in the data folder that holds the control token.
pub(super) const TOKEN: &str = "control.token";

/// Where a host listens.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Addresses {
    /// The public base URL on this machine.
    pub(super) public: String,
    /// The control API's base URL.
    pub(super) control: String,
    /// The host's process.
    pub(super) pid: u32,
}

pub(super) struct Client {
    http: Http,
    base: String,
    token: String,
}

impl Client {
    pub(super) fn new(target: &Target) -> anyhow::Result<Self> {
        let base = match &target.control_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => addresses(&target.data)?.control,
        };
        let token = match &target.token {
            Some(token) => token.clone(),
            None => {
                let path = target.data.join(TOKEN);
                fs::read_to_string(&path)
                    .with_context(|| {
                        format!("the control token can't be read from {}; give it in DATAMP_TOKEN", path.display())
                    })?
                    .trim()
                    .to_owned()
            }
        };
        // Somebody else may have installed it: either way there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { http: Http::builder().no_proxy().build()?, base, token })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<T> {
        Ok(self.send(Method::GET, path, query, None).await?.json().await?)
    }

    pub(super) async fn stream(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Response> {
        self.send(Method::GET, path, query, None).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let body = Body::Json(serde_json::to_vec(body)?);
        Ok(self.send(Method::POST, path, &[], Some(body)).await?.json().await?)
    }

    pub(super) async fn put(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let body = Body::Json(serde_json::to_vec(body)?);
        self.send(Method::PUT, path, &[], Some(body)).await.map(drop)
    }

    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        file: Vec<u8>,
    ) -> anyhow::Result<T> {
        Ok(self.send(Method::POST, path, query, Some(Body::Wasm(file))).await?.json().await?)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<Body>,
    ) -> anyhow::Result<Response> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base))
            .with_context(|| format!("{} is no URL of a control API", self.base))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        request = match body {
            None => request,
            Some(Body::Json(json)) => request.header("content-type", "application/json").body(json),
            Some(Body::Wasm(file)) => request.header("content-type", "application/wasm").body(file),
        };
        let response = request
            .send()
            .await
            .map_err(|error| anyhow::anyhow!("no host answers at {}: is it running? ({})", self.base, root(&error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        match serde_json::from_str::<ProblemDocument>(&text) {
            Ok(problem) => Err(problem.into()),
            Err(_) => bail!("the control API answered {status}: {text}"),
        }
    }
}

enum Body {
    Json(Vec<u8>),
    Wasm(Vec<u8>),
}

/// A problem that the control API answered.
#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub(super) struct ProblemDocument {
    detail: String,
    /// The status that it came with.
    #[serde(default)]
    pub(super) status: u16,
    /// Asks that were not granted.
    #[serde(default)]
    pub(super) asks: Vec<String>,
}

pub(super) fn addresses(data: &Path) -> anyhow::Result<Addresses> {
    let path = data.join(ADDRESSES);
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "no host runs from {}: start one with `datamp up`, or say where it is with --data or --control-url",
            data.display()
        )
    })?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
}

fn root(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}
