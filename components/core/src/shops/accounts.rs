//! `/core/v1/accounts`: a shop's accounts, one for each currency that it uses.

use datamp_models::Currency;
use datamp_models::core::{AccountId, AccountStatus, Owner, ShopId, ShopStatus};
use datamp_sdk::openapi::Api;
use datamp_sdk::{Created, Json, Path, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::store;
use crate::authentication::{Caller, ShopAccount, scope};
use crate::body::Object;
use crate::idempotency::{Once, Replayable, Reply};
use crate::ledger::problem::{shop_closed, shop_frozen};
use crate::page::Page;

/// Where accounts are.
const PATH: &str = "/core/v1/accounts";

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Accounts", "What the shop owns in each currency that it uses.");
    api.get(PATH, list).id("listAccounts").summary("List the shop's accounts, by currency");
    api.post(PATH, open)
        .id("openAccount")
        .summary("Open an account in another currency")
        .text("201, or 200 and the account that the shop has in this currency already.")
        .problem(403, "shop-frozen", "The shop is frozen.")
        .problem(403, "shop-closed", "The shop is closed.");
    api.get("/core/v1/accounts/{currency}", get).id("getAccount").summary("Read the account in a currency").problem(
        404,
        "not-found",
        "The shop has no account in this currency.",
    );
}

/// An account as its shop sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub struct AccountBody {
    /// Its id in the ledger.
    id: AccountId,
    /// Its currency.
    currency: Currency,
    /// How many digits of an amount stand behind the decimal point: 2 for the kopecks of RUB.
    minor_digits: u8,
    /// Whether it is debited and credited.
    status: AccountStatus,
    /// What the shop owns, in minor units.
    #[schemars(range(min = 0))]
    posted: i64,
    /// What of it is held, in minor units.
    #[schemars(range(min = 0))]
    held: i64,
    /// What of it can be spent now, in minor units.
    #[schemars(range(min = 0))]
    available: i64,
}

impl AccountBody {
    fn new(shop: &ShopId, account: &ShopAccount) -> Self {
        Self {
            id: AccountId::of(&Owner::Shop(shop.clone()), account.currency),
            currency: account.currency,
            minor_digits: account.currency.minor_digits(),
            status: account.status,
            posted: account.posted,
            held: account.posted - account.available,
            available: account.available,
        }
    }
}

/// GET: all accounts, by currency.
pub fn list(caller: Caller<scope::Read>) -> Json<Page<AccountBody>> {
    let data = caller.accounts.iter().map(|account| AccountBody::new(&caller.shop, account)).collect();
    Json(Page { data, has_more: false, next: None })
}

/// GET: the account in a currency.
pub fn get(caller: Caller<scope::Read>, Path(currency): Path<Currency>) -> Result<Json<AccountBody>, Problem> {
    let account = caller.account(currency).map(|account| AccountBody::new(&caller.shop, account));
    account.map(Json).ok_or_else(|| Problem::not_found("The shop has no account in this currency."))
}

/// An account that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its currency.
    currency: Currency,
}

type Opened = Result<Replayable<(Created<AccountBody>, Json<AccountBody>)>, Problem>;

/// POST: opens an account in a currency: 201, or 200 and the account that the shop has in it already.
pub fn open(caller: Caller<scope::Accounts>, once: Once, Object(new): Object<NewAccount>) -> Opened {
    once.run(&caller.shop, &new, |tx| {
        // Under its lock, so that no account is open of a shop that is not.
        let shop = store::lock(tx, &caller.shop)?.ok_or_else(|| Problem::internal("an API key's shop is gone"))?;
        if let Some(account) = store::account(tx, &caller.shop, new.currency)? {
            return Reply::ok(&AccountBody::new(&caller.shop, &account));
        }
        match shop.status {
            ShopStatus::Active => {}
            ShopStatus::Frozen => return Err(shop_frozen()),
            ShopStatus::Closed => return Err(shop_closed()),
        }
        store::open_accounts(tx, [(shop.id, new.currency)])?;
        let account = ShopAccount { currency: new.currency, posted: 0, available: 0, status: AccountStatus::Active };
        Reply::created(format!("/core/v1/accounts/{}", new.currency), &AccountBody::new(&caller.shop, &account))
    })
}
