//! A shop, as its owner and its programs use the platform: from the registration to the statement.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    case::Database,
    component::built,
    host::{Host, Settings},
    http::{Answer, Outgoing},
};

/// The four components and the sandbox payment provider, in the order that `datamp up` is given them by `cargo xtask up`.
pub const COMPONENTS: [&str; 5] = ["core", "sandbox_payments", "communication", "gate", "admin"];

/// A host with them, on a new database. An API key may do as much as a test has it do.
pub async fn platform(database: Database) -> Host {
    platform_settings(database).argument("--set").argument("core/rate-limit=1000000").start().await
}

/// The same before its start, with the settings of a platform that somebody has just installed.
#[must_use]
pub fn platform_settings(database: Database) -> Settings {
    let components = COMPONENTS.iter().map(|name| built(&format!("datamp_{name}")));
    components.fold(Settings::new(database), Settings::component)
}

/// What a host with core alone is started with, and a component beside it that makes shops: for tests that need neither users nor
/// staff.
#[must_use]
pub fn core_alone(database: Database) -> Settings {
    ["datamp_core", "datamp_sandbox_payments", "case_bench_seed"]
        .iter()
        .fold(Settings::new(database), |settings, name| settings.component(built(name)))
        .argument("--set")
        .argument("core/rate-limit=1000000")
}

/// Somebody who registered, proved their address and logged in.
pub struct Owner {
    /// The address.
    pub email: String,
    /// What gate is called with.
    pub access_token: String,
}

/// The password of all owners.
pub const PASSWORD: &str = "a quiet harbour at dawn";

impl Owner {
    /// Registers with an address, takes the code out of the mailbox, and logs in.
    pub async fn register(host: &Host, email: &str) -> Self {
        let registration = json!({"email": email, "password": PASSWORD, "language": "en"});
        host.post("/gate/v1/register", &registration).await.expect(202);
        let code = code(host, email).await;
        host.post("/gate/v1/email/verify", &json!({"email": email, "code": code})).await.expect(200);
        let login = json!({"email": email, "password": PASSWORD, "client": "mobile", "device": "a phone"});
        let tokens = host.post("/gate/v1/login", &login).await.expect(200).json();
        Self { email: email.to_owned(), access_token: text(&tokens["access_token"]) }
    }

    /// Creates a shop with an account in roubles and an API key.
    pub async fn create_shop(&self, host: &Host, name: &str) -> Shop {
        let request = Outgoing::post("/gate/v1/shops", &json!({"name": name, "currency": "RUB"}));
        let request = request.bearer(&self.access_token).header("idempotency-key", name);
        let id = text(&host.send(request).await.expect(201).json()["id"]);
        let request = Outgoing::post(&format!("/gate/v1/shops/{id}/api-keys"), &json!({"name": "tests"}));
        let key = text(&host.send(request.bearer(&self.access_token)).await.expect(201).json()["secret"]);
        Shop { id, key }
    }
}

/// The code in the newest letter to an address.
pub async fn code(host: &Host, email: &str) -> String {
    let letter = host.control.newest_mail(email).await.unwrap_or_else(|| panic!("no mail to {email}"));
    let is_code = |word: &&str| word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let code = letter.split_whitespace().find(is_code);
    code.unwrap_or_else(|| panic!("no code in {letter:?}")).to_owned()
}

/// A shop with an API key.
#[derive(Clone, Debug)]
pub struct Shop {
    /// Its id.
    pub id: String,
    /// Its API key.
    pub key: String,
}

impl Shop {
    /// A shop of an owner of its own, with this balance.
    pub async fn with_balance(host: &Host, email: &str, amount: i64) -> Self {
        let shop = Owner::register(host, email).await.create_shop(host, "A shop").await;
        let top_up = shop.top_up(host, "the first", amount).await.expect(201).json();
        let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
        host.send(callback(&secret, "evt_1", &top_up)).await.expect(200);
        assert_eq!(shop.balance(host).await, amount);
        shop
    }

    /// A shop that nobody registered for, on a host with [`core_alone`].
    pub async fn seeded(host: &Host) -> Self {
        Self::seeded_in(host, "RUB").await
    }

    /// The same, with an account in another currency.
    pub async fn seeded_in(host: &Host, currency: &str) -> Self {
        let path = format!("/bench-seed/shops?currency={currency}");
        let seed = host.send(Outgoing::new("POST", &path)).await.expect(200).json();
        Self { id: text(&seed["shop"]), key: text(&seed["api_key"]) }
    }

    /// Adds to its balance by a top-up of this name.
    pub async fn fund(&self, host: &Host, secret: &str, name: &str, amount: i64) {
        let top_up = self.top_up(host, name, amount).await.expect(201).json();
        host.send(callback(secret, &format!("evt_{}_{name}", self.id), &top_up)).await.expect(200);
    }

    /// A GET of core with the API key.
    #[must_use]
    pub fn get(&self, path: &str) -> Outgoing {
        Outgoing::get(path).bearer(&self.key)
    }

    /// A POST to core with the API key and an idempotency key.
    #[must_use]
    pub fn post(&self, path: &str, idempotency_key: &str, body: &Value) -> Outgoing {
        Outgoing::post(path, body).bearer(&self.key).header("idempotency-key", idempotency_key)
    }

    /// A request for a payment.
    #[must_use]
    pub fn payment(&self, idempotency_key: &str, amount: i64) -> Outgoing {
        let body = json!({"amount": amount, "currency": "RUB", "description": "Clicks in week 47"});
        self.post("/core/v1/payments", idempotency_key, &body)
    }

    /// Asks for a top-up.
    pub async fn top_up(&self, host: &Host, idempotency_key: &str, amount: i64) -> Answer {
        let body = json!({"amount": amount, "currency": "RUB", "return_url": "https://shop.example/done"});
        host.send(self.post("/core/v1/top-ups", idempotency_key, &body)).await
    }

    /// Pays.
    pub async fn pay(&self, host: &Host, idempotency_key: &str, amount: i64) -> Answer {
        host.send(self.payment(idempotency_key, amount)).await
    }

    /// What it owns in roubles, in kopecks.
    pub async fn balance(&self, host: &Host) -> i64 {
        let balance = host.send(self.get("/core/v1/balance?currency=RUB")).await.expect(200).json();
        assert_eq!(balance["data"][0]["posted"], balance["data"][0]["available"]);
        balance["data"][0]["posted"].as_i64().unwrap()
    }
}

/// The sandbox's word that a top-up succeeded, signed with its secret.
#[must_use]
pub fn callback(secret: &str, event: &str, top_up: &Value) -> Outgoing {
    let body = json!({
        "id": event,
        "type": "top_up.succeeded",
        "top_up": top_up["id"],
        "amount": top_up["amount"],
        "currency": top_up["currency"],
    });
    signed(secret, &body)
}

/// A callback with any body, signed.
#[must_use]
pub fn signed(secret: &str, body: &Value) -> Outgoing {
    let signature = signature(secret, 0, body.to_string().as_bytes());
    Outgoing::post("/core/v1/callbacks/sandbox", body).header("sandbox-signature", &signature)
}

/// The sandbox's signature of a body, made so many seconds from now.
#[must_use]
pub fn signature(secret: &str, seconds: i64, body: &[u8]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = now.checked_add_signed(seconds).unwrap();
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(format!("{time}.").as_bytes());
    code.update(body);
    format!("t={time},v1={}", hex::encode(code.finalize().into_bytes()))
}

/// A JSON string's text.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
