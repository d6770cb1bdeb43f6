//! `datamp run core webhooks` and `replay-webhooks`: what shops' systems do not take, for whoever helps the shop.

use std::slice;

use datamp_models::core::ShopId;
use datamp_models::webhooks::{WebhookDisabledBecause, WebhookEndpointId, WebhookEndpointStatus};
use datamp_sdk::database;
use datamp_sdk::operator::{Call, Command, CommandError, Step};
use datamp_sdk::{Problem, Timestamp, log, params};
use serde::{Deserialize, Serialize};

use super::ENDPOINT_DISABLED;
use super::delivery::replay::{Replayed, replay_dead};
use super::endpoint::store;
use crate::shops::store as shops;

/// Endpoints that one step lists: their deliveries are counted.
const BATCH: i64 = 100;

/// Endpoints after one, by id: of a shop, or of all those that a shop may not know to be in trouble.
const LIST: &str = "SELECT w.id, w.shop_id, w.url, w.status, w.disabled_because, w.disabled_at, w.failing_since, \
                    (SELECT COUNT(*) FROM webhook_delivery AS d WHERE d.endpoint_id = w.id AND d.status = 'pending') AS waiting, \
                    (SELECT COUNT(*) FROM webhook_delivery AS d WHERE d.endpoint_id = w.id AND d.status = 'dead') AS dead \
                    FROM webhook_endpoint AS w WHERE w.id > $1 AND w.status <> 'deleted' AND (w.shop_id = $2 \
                    OR CAST($2 AS TEXT) IS NULL AND (w.failing_since IS NOT NULL OR w.disabled_because IN ('gone', 'failing') \
                    OR EXISTS (SELECT 1 FROM webhook_delivery AS d WHERE d.endpoint_id = w.id AND d.status = 'dead'))) \
                    ORDER BY w.id LIMIT $3";

/// How the first is called, and what it takes.
pub fn list_command() -> Command {
    Command::new("webhooks", "Lists the webhook endpoints that fail, were disabled for it, or have dead deliveries")
        .optional("shop", "All endpoints of this shop instead, by its id")
}

/// How the second is called, and what it takes.
pub fn replay_command() -> Command {
    Command::new("replay-webhooks", "Sends the dead deliveries of a webhook endpoint again, the oldest first")
        .required("endpoint", "The endpoint, by its id")
        .optional("since", "Only those that were made since this time, in RFC 3339; else all of the last 30 days")
}

/// An endpoint and how it does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Row {
    id: WebhookEndpointId,
    shop_id: ShopId,
    url: String,
    status: WebhookEndpointStatus,
    disabled_because: Option<WebhookDisabledBecause>,
    disabled_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    waiting: i64,
    dead: i64,
}

impl Row {
    fn line(&self) -> String {
        let state = match (self.disabled_because, self.disabled_at, self.failing_since) {
            (Some(because), Some(since), _) => format!("disabled ({}) since {since}", because.as_str()),
            (_, _, Some(since)) => format!("failing since {since}"),
            _ => self.status.as_str().to_owned(),
        };
        format!("{}  {}  {state}, {} waiting, {} dead  {}", self.id, self.shop_id, self.waiting, self.dead, self.url)
    }
}

/// Where the list goes on.
#[derive(Serialize, Deserialize)]
struct Listed {
    after: WebhookEndpointId,
    count: u64,
}

/// One step of the list.
pub fn list(call: &Call) -> Result<Step, CommandError> {
    let shop: Option<ShopId> = call.parse("shop")?;
    let before: Option<Listed> = call.state()?;
    if let Some(shop) = &shop
        && shops::get(slice::from_ref(shop))?.iter().all(Option::is_none)
    {
        return Err(CommandError::argument("shop", format!("there is no shop {shop}")));
    }
    let (after, listed) = before.map_or((String::new(), 0), |before| (before.after.into(), before.count));
    let rows: Vec<Row> = database::query(LIST, params![after, shop.as_ref().map(ShopId::as_str), BATCH])?;
    let count = listed + u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let step = match rows.last() {
        Some(last) if i64::try_from(rows.len()).unwrap_or(BATCH) >= BATCH => {
            Step::more(&Listed { after: last.id.clone(), count })?
        }
        _ => Step::done(),
    };
    Ok(step.lines(rows.iter().map(Row::line)).progress(count, None, "endpoints"))
}

/// One step of the replay. What one that is asked for twice has sent again is on its way the second time, and not dead.
pub fn replay(call: &Call) -> Result<Step, CommandError> {
    let missing = || CommandError::argument("endpoint", "has to be given");
    let endpoint: WebhookEndpointId = call.parse("endpoint")?.ok_or_else(missing)?;
    let since: Option<Timestamp> = call.parse("since")?;
    let before: u64 = call.state()?.unwrap_or(0);
    let replayed: Result<Option<Replayed>, Problem> = database::transaction(|tx| {
        let Some(shop) = store::shop_of(tx, &endpoint)? else { return Ok(None) };
        replay_dead(tx, &shop, &endpoint, since.unwrap_or(Timestamp::from_micros(0))).map(Some)
    });
    let replayed = match replayed {
        Ok(replayed) => replayed,
        Err(problem) if problem.slug() == ENDPOINT_DISABLED => {
            return Ok(Step::failed(format!("{endpoint} is disabled: its shop has to enable it first")).progress(
                before,
                None,
                "deliveries",
            ));
        }
        Err(problem) => return Err(problem.into()),
    };
    let unknown = || CommandError::argument("endpoint", format!("there is no endpoint {endpoint}"));
    let Replayed { replayed, has_more } = replayed.ok_or_else(unknown)?;
    let all = before + replayed;
    if replayed > 0 {
        log::info!("an operator has dead webhooks sent again"; endpoint = endpoint, deliveries = replayed, operator = call.operator());
    }
    let step = if has_more { Step::more(&all)? } else { Step::done().line(format!("sent again: {all}")) };
    Ok(step.progress(all, None, "deliveries"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            id: WebhookEndpointId::parse("whe_01h455vb4pex5vsknk084sn02q").unwrap(),
            shop_id: ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap(),
            url: "https://shop.example/hooks".to_owned(),
            status: WebhookEndpointStatus::Enabled,
            disabled_because: None,
            disabled_at: None,
            failing_since: None,
            waiting: 0,
            dead: 2,
        }
    }

    #[test]
    fn a_line_says_how_an_endpoint_does() {
        let line = row().line();
        assert!(
            line.starts_with("whe_01h455vb4pex5vsknk084sn02q  shop_01h455vb4pex5vsknk084sn02q  enabled, "),
            "{line}"
        );
        assert!(line.ends_with("0 waiting, 2 dead  https://shop.example/hooks"), "{line}");
        let since = Some(Timestamp::from_seconds(60));
        let failing = Row { failing_since: since, ..row() };
        assert!(failing.line().contains("  failing since 1970-01-01T00:01:00Z, "), "{}", failing.line());
        let gone = Row {
            status: WebhookEndpointStatus::Disabled,
            disabled_because: Some(WebhookDisabledBecause::Gone),
            disabled_at: since,
            ..failing
        };
        assert!(gone.line().contains("  disabled (gone) since 1970-01-01T00:01:00Z, "), "{}", gone.line());
    }
}
