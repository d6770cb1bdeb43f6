//! What other services do for this one, as plain calls: `datamp:communication/verification`, `datamp:core/shops` and
//! `datamp:core/api-keys`. The only place that sees what wit-bindgen makes.

#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/communication/1.0.0", "../../wit/core/1.0.0"],
        inline: "
            package datamp:gate-component@1.0.0;

            world component {
                import datamp:communication/verification@1.0.0;
                import datamp:core/shops@1.0.0;
                import datamp:core/api-keys@1.0.0;
            }
        ",
        generate_all,
    });
}

/// Codes by mail, by communication.
pub(crate) mod verification {
    use datamp_models::communication::Language;

    use super::bindings::datamp::communication::verification as wit;

    /// Why no code was sent.
    #[derive(Debug)]
    pub(crate) enum StartError {
        /// No mail can be sent there; the words are for people.
        InvalidAddress(String),
        /// Too early, or too many: seconds to wait.
        TooMany(u32),
        /// Try again; the words are for the log.
        Unavailable(String),
    }

    /// Why nothing is proven.
    #[derive(Debug)]
    pub(crate) enum CheckError {
        /// Wrong, expired, used, tried too often, or never sent.
        Refused,
        /// Try again; the words are for the log.
        Unavailable(String),
    }

    /// Has a code sent for a user.
    pub(crate) fn start(
        user: &str,
        address: &str,
        language: Language,
        client_address: Option<&str>,
    ) -> Result<(), StartError> {
        let challenge = wit::Challenge {
            subject: user.to_owned(),
            channel: wit::Channel::Email,
            address: address.to_owned(),
            language: match language {
                Language::Russian => wit::Language::Russian,
                Language::English => wit::Language::English,
            },
            client_address: client_address.map(str::to_owned),
        };
        match wit::start(&challenge) {
            Ok(_) => Ok(()),
            Err(wit::StartError::InvalidAddress(words)) => Err(StartError::InvalidAddress(words)),
            Err(wit::StartError::TooMany(seconds)) => Err(StartError::TooMany(seconds)),
            Err(wit::StartError::Unavailable(words)) => Err(StartError::Unavailable(words)),
        }
    }

    /// Checks a user's code, and answers the address that it was sent to.
    pub(crate) fn check(user: &str, code: &str) -> Result<String, CheckError> {
        match wit::check(user, wit::Channel::Email, code) {
            Ok(proof) => Ok(proof.address),
            Err(wit::CheckError::NotFound | wit::CheckError::WrongCode(_) | wit::CheckError::NoAttemptsLeft) => {
                Err(CheckError::Refused)
            }
            Err(wit::CheckError::Unavailable(words)) => Err(CheckError::Unavailable(words)),
        }
    }
}

/// Shops and their API keys, by core.
pub(crate) mod core {
    use datamp_models::core::ShopStatus;
    use datamp_sdk::{Problem, Timestamp, log};

    use super::bindings::datamp::core::types::CoreError as WitError;
    use super::bindings::datamp::core::{api_keys, shops, types};

    /// A shop.
    #[derive(Clone, Debug)]
    pub(crate) struct Shop {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) status: ShopStatus,
        pub(crate) created_at: String,
    }

    /// What a shop owns in one currency, in its minor units.
    #[derive(Clone, Debug)]
    pub(crate) struct Balance {
        pub(crate) currency: String,
        pub(crate) posted: i64,
        pub(crate) available: i64,
    }

    /// A shop to be made.
    #[derive(Clone, Debug)]
    pub(crate) struct NewShop<'a> {
        pub(crate) id: &'a str,
        pub(crate) name: &'a str,
        pub(crate) currency: &'a str,
    }

    /// An API key, without its secret.
    #[derive(Clone, Debug)]
    pub(crate) struct ApiKey {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) prefix: String,
        pub(crate) created_at: String,
        pub(crate) last_used_at: Option<String>,
        pub(crate) revoked_at: Option<String>,
    }

    /// Why core did not do it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Refusal {
        /// A field, and what it must be.
        Invalid(String, String),
        ShopNotFound,
        ApiKeyNotFound,
        ShopNotActive,
        Conflict(String),
        Unavailable(String),
    }

    impl From<WitError> for Refusal {
        fn from(error: WitError) -> Self {
            match error {
                WitError::Invalid((field, words)) => Self::Invalid(field, words),
                WitError::ShopNotFound(_) => Self::ShopNotFound,
                WitError::ShopNotActive(_) => Self::ShopNotActive,
                WitError::Conflict(words) => Self::Conflict(words),
                WitError::Unavailable(words) => Self::Unavailable(words),
            }
        }
    }

    impl From<Refusal> for Problem {
        fn from(refusal: Refusal) -> Self {
            match refusal {
                Refusal::Invalid(field, words) => Self::unprocessable("A value can't be taken.").field(field, words),
                Refusal::ShopNotFound => Self::not_found("There is no such shop."),
                Refusal::ApiKeyNotFound => Self::not_found("The shop has no such API key."),
                Refusal::ShopNotActive => Self::new(409, "shop-not-active", "The shop is not active"),
                Refusal::Conflict(words) => Self::internal(format_args!("core: {words}")),
                Refusal::Unavailable(words) => {
                    log::warn!("core: {}", words);
                    Self::unavailable("It could not be done in time. Try again.")
                }
            }
        }
    }

    /// A call with one element, whose answer has one.
    fn only<T, E>(answers: Vec<Result<T, E>>) -> Result<T, Refusal>
    where
        Refusal: From<E>,
    {
        match answers.into_iter().next() {
            Some(answer) => Ok(answer?),
            None => Err(Refusal::Unavailable("answered nothing".to_owned())),
        }
    }

    fn shop(shop: types::Shop) -> Shop {
        let status = match shop.status {
            types::ShopStatus::Active => ShopStatus::Active,
            types::ShopStatus::Frozen => ShopStatus::Frozen,
            types::ShopStatus::Closed => ShopStatus::Closed,
        };
        Shop { id: shop.id, name: shop.name, status, created_at: shop.created_at }
    }

    fn api_key(key: api_keys::ApiKey) -> ApiKey {
        ApiKey {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }

    /// Creates shops: an answer for each, in order.
    pub(crate) fn create_shops(new: &[NewShop<'_>]) -> Vec<Result<Shop, Refusal>> {
        let new: Vec<shops::NewShop> = new
            .iter()
            .map(|new| shops::NewShop {
                id: new.id.to_owned(),
                name: new.name.to_owned(),
                currency: new.currency.to_owned(),
            })
            .collect();
        shops::create(&new).into_iter().map(|answer| answer.map(shop).map_err(Refusal::from)).collect()
    }

    /// Shops: an answer for each id, in order.
    pub(crate) fn shops(ids: &[String]) -> Vec<Result<Shop, Refusal>> {
        shops::get(ids).into_iter().map(|answer| answer.map(shop).map_err(Refusal::from)).collect()
    }

    /// A shop.
    pub(crate) fn shop_of(id: &str) -> Result<Shop, Refusal> {
        only(shops(&[id.to_owned()]))
    }

    /// A shop's balances, by currency.
    pub(crate) fn balances(id: &str) -> Result<Vec<Balance>, Refusal> {
        let balances = only(shops::balances(&[id.to_owned()]))?;
        let balance = |balance: types::Balance| Balance {
            currency: balance.currency,
            posted: balance.posted,
            available: balance.available,
        };
        Ok(balances.into_iter().map(balance).collect())
    }

    /// Makes an API key, and answers its secret, this once.
    pub(crate) fn create_api_key(shop: &str, name: &str) -> Result<(ApiKey, String), Refusal> {
        let created = only(api_keys::create(&[api_keys::NewApiKey { shop: shop.to_owned(), name: name.to_owned() }]))?;
        Ok((api_key(created.api_key), created.secret))
    }

    /// A shop's API keys, the newest first.
    pub(crate) fn api_keys(shop: &str) -> Result<Vec<ApiKey>, Refusal> {
        Ok(api_keys::of_shop(shop)?.into_iter().map(api_key).collect())
    }

    /// Revokes an API key, now.
    pub(crate) fn revoke_api_key(shop: &str, id: &str) -> Result<ApiKey, Refusal> {
        match api_keys::revoke(shop, id) {
            Ok(key) => Ok(api_key(key)),
            // The shop was checked before, so the value that can't be taken is the key's id.
            Err(WitError::Invalid(_)) => Err(Refusal::ApiKeyNotFound),
            Err(error) => Err(error.into()),
        }
    }

    /// `Timestamp`s cross the contract as text; what is none is core's mistake.
    pub(crate) fn time(text: &str) -> Result<Timestamp, Problem> {
        Timestamp::parse(text).map_err(|error| Problem::internal(format_args!("core told a time that {error}")))
    }
}
