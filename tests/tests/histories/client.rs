//! The ledger as a component asks it, and the shops' API as a shop does.

use std::{net::SocketAddr, time::Duration};

use datamp_tests::{
    http::{Answer, Outgoing, PATIENCE},
    shop::{Shop, text},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    model::Balance,
    steps::{Chain, Names, SHOPS},
};

/// How long a hold that lapses at once lives: more than a request takes.
const SHORTLY: Duration = Duration::from_millis(300);

/// What a chain is answered: for each posting whether it existed, and its amount; or why not.
pub(super) type Posted = Result<Vec<(bool, i64)>, Value>;

#[derive(Clone)]
pub(super) struct Client {
    address: SocketAddr,
    pub(super) names: Names,
    pub(super) shops: Vec<Shop>,
}

/// A time to come.
pub(super) struct Moment(OffsetDateTime);

impl Moment {
    pub(super) fn is_over(&self) -> bool {
        OffsetDateTime::now_utc() > self.0
    }

    pub(super) async fn wait(&self) {
        while !self.is_over() {
            let left = Duration::try_from(self.0 - OffsetDateTime::now_utc()).unwrap_or_default();
            tokio::time::sleep(left).await;
        }
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr, history: usize, shops: Vec<Shop>) -> Self {
        let ids = shops.iter().map(|shop| shop.id.clone()).collect();
        Self { address, names: Names { history, shops: ids, soon: String::new() }, shops }
    }

    /// From now on, what lapses at once does so at the time that is answered.
    pub(super) fn lapse_soon(&mut self) -> Moment {
        let time = OffsetDateTime::now_utc() + SHORTLY;
        self.names.soon = time.format(&Rfc3339).unwrap();
        Moment(time)
    }

    async fn send(&self, request: Outgoing) -> Answer {
        request.send(self.address, PATIENCE).await.unwrap()
    }

    async fn ask(&self, path: &str, body: &Value) -> Vec<Value> {
        let answer = self.send(Outgoing::post(&format!("/ledger-client/{path}"), body)).await.expect(200).json();
        answer.as_array().unwrap().clone()
    }

    /// Posts chains, and answers what became of each.
    pub(super) async fn post(&self, chains: &[Chain]) -> Vec<Posted> {
        let answers = self.ask("post", &self.names.chains(chains)).await;
        assert_eq!(answers.len(), chains.len());
        chains.iter().zip(answers).map(|(chain, answer)| posted(chain, &answer)).collect()
    }

    /// Pays, and answers whatever the API answered.
    pub(super) async fn pay(&self, shop: usize, key: usize, amount: i64) -> Answer {
        let body = json!({"amount": amount, "currency": SHOPS[shop - 2], "description": "Clicks"});
        self.send(self.shops[shop - 2].post("/core/v1/payments", &format!("payment {key}"), &body)).await
    }

    /// What accounts hold.
    pub(super) async fn balances(&self, accounts: &[(usize, &'static str)]) -> Vec<Option<Balance>> {
        let account =
            |(owner, currency): &(usize, &str)| json!({"owner": self.names.owner(*owner), "currency": currency});
        let answers = self.ask("balances", &accounts.iter().map(account).collect()).await;
        let balance = |answer: &Value| {
            let balance = answer.get("Ok")?;
            let number = |name: &str| balance[name].as_i64().unwrap();
            let of_account = Balance {
                posted: number("posted"),
                debits_pending: number("debits_pending"),
                credits_pending: number("credits_pending"),
            };
            assert_eq!(number("available"), of_account.posted - of_account.debits_pending);
            Some(of_account)
        };
        answers.iter().map(balance).collect()
    }

    /// Transfers, as the contract tells them, without their ids, references and times.
    pub(super) async fn get(&self, ids: &[usize]) -> Vec<Option<Value>> {
        let answers = self.ask("get", &ids.iter().map(|id| self.names.transfer(*id)).collect()).await;
        let transfer = |(id, answer): (&usize, Value)| {
            if answer == json!({"Err": "NotFound"}) {
                return None;
            }
            let mut transfer = answer["Ok"].as_object().unwrap().clone();
            assert_eq!(transfer["id"], self.names.transfer(*id));
            transfer.retain(|name, _| !["id", "reference", "expires_at", "created_at"].contains(&name.as_str()));
            Some(Value::Object(transfer))
        };
        ids.iter().zip(answers).map(transfer).collect()
    }

    /// A shop's payments, the newest first.
    pub(super) async fn payments(&self, shop: &Shop) -> Vec<Value> {
        let page = self.send(shop.get("/core/v1/payments?limit=100")).await.expect(200).json();
        assert_eq!(page["has_more"], false);
        page["data"].as_array().unwrap().clone()
    }
}

fn posted(chain: &Chain, answer: &Value) -> Posted {
    if let Some(failure) = answer.get("Err") {
        // Its name is the database's own.
        let is_conflict = failure.get("Conflict").is_some();
        return Err(if is_conflict { json!("Conflict") } else { failure.clone() });
    }
    let posted = answer["Ok"].as_array().unwrap();
    assert_eq!(posted.len(), chain.len());
    Ok(posted.iter().map(|one| (one["existed"].as_bool().unwrap(), one["amount"].as_i64().unwrap())).collect())
}

/// The amount of a payment that was made.
pub(super) fn payment_of(answer: &Answer) -> i64 {
    let payment = answer.clone().expect(201).json();
    assert!(text(&payment["id"]).starts_with("pay_"));
    payment["amount"].as_i64().unwrap()
}
