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

/// The four components, in the order that `datamp up` is given them by `cargo xtask up`.
pub const COMPONENTS: [&str; 4] = ["core", "communication", "gate", "admin"];

/// A host with the four components, on a new database.
pub async fn platform(database: Database) -> Host {
    let mut settings = Settings::new(database);
    for name in COMPONENTS {
        settings = settings.component(built(&format!("datamp_{name}")));
    }
    settings.start().await
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
        let secret = host.control.secret("core", "sandbox-callback").await;
        host.send(callback(&secret, "evt_1", &top_up)).await.expect(200);
        assert_eq!(shop.balance(host).await, amount);
        shop
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
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(format!("{time}.{body}").as_bytes());
    let signature = format!("t={time},v1={}", hex::encode(code.finalize().into_bytes()));
    Outgoing::post("/core/v1/callbacks/sandbox", body).header("sandbox-signature", &signature)
}

/// A JSON string's text.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
