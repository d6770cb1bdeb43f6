//! Endpoints: the URLs of a shop's own systems.

pub mod api;
pub mod store;
pub mod url;

use std::borrow::Cow;
use std::fmt;

use datamp_models::webhooks::{WebhookDisabledBecause, WebhookEndpointId, WebhookEndpointStatus, WebhookEventType};
use datamp_sdk::Timestamp;
use datamp_sdk::database::JsonText;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use self::url::EndpointUrl;
use crate::text::Text;

/// How many endpoints a shop may have.
pub const MOST: usize = 16;

/// What people write of an endpoint.
pub type Description = Text<500>;

/// An endpoint as its shop sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookEndpoint")]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Where events are sent.
    pub url: String,
    /// What people wrote of it.
    pub description: Option<String>,
    /// The types that it is sent; `None` for all, those to come too.
    pub event_types: Option<JsonText<EventTypes>>,
    /// Whether it is sent anything.
    pub status: WebhookEndpointStatus,
    /// Why not.
    pub disabled_because: Option<WebhookDisabledBecause>,
    /// Since when not.
    pub disabled_at: Option<Timestamp>,
    /// Since when all attempts failed, if the last one did.
    pub failing_since: Option<Timestamp>,
    /// The number of its secret.
    #[serde(skip_serializing)]
    pub secret_version: i64,
    /// Until when the secret before signs too.
    pub previous_secret_until: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An endpoint that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "NewWebhookEndpoint")]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where events are sent.
    pub url: EndpointUrl,
    /// What people write of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The types that it is sent; all where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_types: Option<EventTypes>,
}

/// What is to change of an endpoint; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookEndpointChanges")]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// Where events are sent.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "EndpointUrl")]
    url: Option<EndpointUrl>,
    /// `null` takes it away.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<Description>")]
    description: Option<Option<Description>>,
    /// `null` is all.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<EventTypes>")]
    event_types: Option<Option<EventTypes>>,
    /// Whether it is sent anything.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Wanted")]
    status: Option<Wanted>,
}

/// What a shop may make of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    Enabled,
    Disabled,
}

/// Tells a field that is `null` from one that is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What changes did beyond the fields that they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Nothing.
    Neither,
    /// It is sent something again.
    On,
    /// It is not sent anything any more.
    Off,
}

impl Changes {
    /// The new URL, if there is one.
    pub fn url(&self) -> Option<&EndpointUrl> {
        self.url.as_ref()
    }

    /// Makes the changes.
    pub fn apply(&self, endpoint: &mut Endpoint, now: Timestamp) -> Turned {
        if let Some(url) = &self.url {
            endpoint.url = url.as_str().to_owned();
        }
        if let Some(description) = &self.description {
            endpoint.description = description.clone().map(String::from);
        }
        if let Some(event_types) = &self.event_types {
            endpoint.event_types = event_types.clone().map(JsonText);
        }
        match (self.status, endpoint.status) {
            (Some(Wanted::Enabled), WebhookEndpointStatus::Disabled) => {
                endpoint.status = WebhookEndpointStatus::Enabled;
                endpoint.disabled_because = None;
                endpoint.disabled_at = None;
                endpoint.failing_since = None;
                Turned::On
            }
            (Some(Wanted::Disabled), WebhookEndpointStatus::Enabled) => {
                endpoint.status = WebhookEndpointStatus::Disabled;
                endpoint.disabled_because = Some(WebhookDisabledBecause::Requested);
                endpoint.disabled_at = Some(now);
                Turned::Off
            }
            _ => Turned::Neither,
        }
    }
}

/// One or more types of events, each once, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<WebhookEventType>", into = "Vec<WebhookEventType>")]
pub struct EventTypes(Vec<WebhookEventType>);

/// Not such a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEventTypes;

impl fmt::Display for InvalidEventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must name one type of events at least, and none is endpoint.test; leave it out for all")
    }
}

impl TryFrom<Vec<WebhookEventType>> for EventTypes {
    type Error = InvalidEventTypes;

    fn try_from(mut types: Vec<WebhookEventType>) -> Result<Self, InvalidEventTypes> {
        types.sort_unstable();
        types.dedup();
        if types.is_empty() || types.contains(&WebhookEventType::EndpointTest) {
            return Err(InvalidEventTypes);
        }
        Ok(Self(types))
    }
}

impl From<EventTypes> for Vec<WebhookEventType> {
    fn from(types: EventTypes) -> Self {
        types.0
    }
}

impl JsonSchema for EventTypes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WebhookEventTypes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<WebhookEventType>();
        json_schema!({
            "type": "array",
            "minItems": 1,
            "items": { "allOf": [kind], "not": { "const": WebhookEventType::EndpointTest.as_str() } },
        })
    }
}

/// The first place from 1 to [`MOST`] that is free.
pub fn free_slot(taken: &[i64]) -> Option<i64> {
    (1..=i64::try_from(MOST).unwrap_or(0)).find(|slot| !taken.contains(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            id: WebhookEndpointId::parse("whe_01h455vb4pex5vsknk084sn02q").unwrap(),
            url: "https://shop.example/".to_owned(),
            description: Some("orders".to_owned()),
            event_types: None,
            status: WebhookEndpointStatus::Enabled,
            disabled_because: None,
            disabled_at: None,
            failing_since: Some(Timestamp::from_seconds(5)),
            secret_version: 1,
            previous_secret_until: None,
            created_at: Timestamp::from_seconds(1),
        }
    }

    fn changed(changes: &str, endpoint: &mut Endpoint) -> Turned {
        serde_json::from_str::<Changes>(changes).unwrap().apply(endpoint, Timestamp::from_seconds(9))
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let mut one = endpoint();
        assert_eq!(changed("{}", &mut one), Turned::Neither);
        assert_eq!(one, endpoint());
        let types = r#"{"event_types": ["top-up.failed", "payment.held", "top-up.failed"], "description": null}"#;
        assert_eq!(changed(types, &mut one), Turned::Neither);
        assert_eq!(
            serde_json::to_value(&one).unwrap()["event_types"],
            serde_json::json!(["payment.held", "top-up.failed"])
        );
        assert_eq!(one.description, None);
        changed(r#"{"event_types": null, "url": "https://other.example/"}"#, &mut one);
        assert_eq!((one.event_types, one.url.as_str()), (None, "https://other.example/"));
        for wrong in [
            r#"{"url": null}"#,
            r#"{"status": null}"#,
            r#"{"status": "deleted"}"#,
            r#"{"event_types": []}"#,
            r#"{"event_types": ["endpoint.test"]}"#,
            r#"{"event_types": ["payment.*"]}"#,
            r#"{"secret": "x"}"#,
        ] {
            assert!(serde_json::from_str::<Changes>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_is_turned_off_and_on_and_begins_anew() {
        let mut one = endpoint();
        assert_eq!(changed(r#"{"status": "enabled"}"#, &mut one), Turned::Neither);
        assert_eq!(changed(r#"{"status": "disabled"}"#, &mut one), Turned::Off);
        assert_eq!(one.disabled_because, Some(WebhookDisabledBecause::Requested));
        assert_eq!(one.disabled_at, Some(Timestamp::from_seconds(9)));
        one.disabled_because = Some(WebhookDisabledBecause::Gone);
        assert_eq!(changed(r#"{"status": "disabled"}"#, &mut one), Turned::Neither);
        assert_eq!(one.disabled_because, Some(WebhookDisabledBecause::Gone), "the first reason counts");
        assert_eq!(changed(r#"{"status": "enabled"}"#, &mut one), Turned::On);
        assert_eq!(one, Endpoint { failing_since: None, ..endpoint() });
    }

    #[test]
    fn the_secret_is_not_among_what_is_told() {
        let told = serde_json::to_string(&endpoint()).unwrap();
        assert!(!told.contains("secret_version") && !told.contains("whsec"), "{told}");
    }

    #[test]
    fn a_shop_has_sixteen_places() {
        assert_eq!(free_slot(&[]), Some(1));
        assert_eq!(free_slot(&[1, 3, 2, 5]), Some(4));
        assert_eq!(free_slot(&(1..=16).collect::<Vec<_>>()), None);
    }
}
