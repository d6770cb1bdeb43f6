//! The rules for paths, operations, parameters, bodies, answers and security.

use std::collections::BTreeMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::breaks::Found;
use crate::document::{Document, items, members};
use crate::effort::Effort;
use crate::message::{Pair, Way};
use crate::written;

/// How long before its end clients are told of it.
const NOTICE: Duration = Duration::days(30);

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// An operation with what its path says for all of them.
pub(crate) struct Operation<'a> {
    document: &'a Document,
    /// `POST /notes/{id}`, for people.
    shown: String,
    path: &'a str,
    item: &'a Value,
    value: &'a Value,
}

/// The operations by method and path. A parameter's name is no part of a path: callers don't send it.
pub(crate) fn all(document: &Document) -> BTreeMap<(String, &'static str), Operation<'_>> {
    let mut operations = BTreeMap::new();
    for (path, item) in members(document.member("paths")) {
        let item = document.resolve(item);
        for method in METHODS {
            if let Some(value) = item.get(method).filter(|value| value.is_object()) {
                let shown = format!("{} {path}", method.to_ascii_uppercase());
                operations.insert((without_names(path), method), Operation { document, shown, path, item, value });
            }
        }
    }
    operations
}

fn without_names(path: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for character in path.chars() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        plain.push(character);
    }
    plain
}

/// Finds everything that breaks.
pub(crate) fn compare(old: &Document, new: &Document, now: OffsetDateTime, found: &mut Found) {
    servers(old, new, found);
    let effort = Effort::new();
    let (soonest, now) = (written(now + NOTICE), written(now));
    let later = all(new);
    for (key, before) in all(old) {
        match later.get(&key) {
            Some(after) => {
                before.sunsets(after, &soonest, found);
                before.compare(after, &effort, found);
            }
            None if before.is_past_its_sunset(&now) => {}
            None => found.add(&before.shown, "", "the operation is gone"),
        }
    }
}

fn servers(old: &Document, new: &Document, found: &mut Found) {
    let urls = |document: &Document| -> Vec<String> {
        let servers = items(document.member("servers")).iter();
        let urls: Vec<_> =
            servers.filter_map(|server| Some(server.get("url")?.as_str()?.trim_end_matches('/').to_owned())).collect();
        // What OpenAPI says where nothing is said.
        if urls.is_empty() { vec![String::new()] } else { urls }
    };
    let later = urls(new);
    for url in urls(old).into_iter().filter(|url| !later.contains(url)) {
        found.add("servers", "", format!("{:?} is gone", if url.is_empty() { "/" } else { &url }));
    }
}

impl<'a> Operation<'a> {
    fn sunset(&self) -> Option<&'a str> {
        self.value.get("x-sunset").and_then(Value::as_str)
    }

    fn is_past_its_sunset(&self, now: &str) -> bool {
        let deprecated = self.value.get("deprecated").is_some_and(|deprecated| deprecated == true);
        deprecated && self.sunset().is_some_and(|sunset| sunset.ends_with('Z') && sunset < now)
    }

    /// Otherwise an operation could be gone in two steps of one day.
    fn sunsets(&self, new: &Self, soonest: &str, found: &mut Found) {
        match (self.sunset(), new.sunset()) {
            (Some(old), Some(new)) if new < old => {
                found.add(&self.shown, "", format!("its sunset was {old}, and is earlier: {new}"));
            }
            (None, Some(new)) if new < soonest => {
                found.add(
                    &self.shown,
                    "",
                    format!("its sunset is {new}, and is to be told {} days ahead", NOTICE.whole_days()),
                );
            }
            _ => {}
        }
    }

    fn compare(&self, new: &Self, effort: &Effort, found: &mut Found) {
        let pair = Pair { old: self.document, new: new.document, operation: &self.shown, effort };
        if let Some(id) = self.value.get("operationId").and_then(Value::as_str)
            && new.value.get("operationId").and_then(Value::as_str) != Some(id)
        {
            found.add(&self.shown, "", format!("its operationId was {id}, and is another"));
        }
        self.parameters(new, &pair, found);
        self.body(new, &pair, found);
        self.answers(new, &pair, found);
        self.security(new, found);
    }

    /// By place and name. Those of the path are named by their turn, and the heads of messages don't tell case.
    fn all_parameters(&self) -> BTreeMap<(String, String), &'a Value> {
        let turns: Vec<&str> = self.path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        let mut parameters = BTreeMap::new();
        let shared = items(self.item.get("parameters")).iter();
        for parameter in shared.chain(items(self.value.get("parameters"))) {
            let parameter = self.document.resolve(parameter);
            let text = |name: &str| parameter.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (place, mut name) = (text("in"), text("name"));
            if place == "path"
                && let Some(turn) = turns.iter().position(|turn| *turn == name)
            {
                name = format!("{}", turn + 1);
            } else if place == "header" {
                name.make_ascii_lowercase();
            }
            parameters.insert((place, name), parameter);
        }
        parameters
    }

    fn parameters(&self, new: &Self, pair: &Pair<'_>, found: &mut Found) {
        let (before, after) = (self.all_parameters(), new.all_parameters());
        let required = |parameter: &Value| parameter.get("required").is_some_and(|required| required == true);
        for ((place, name), parameter) in &after {
            let shown = format!("{place} parameter {name}");
            match before.get(&(place.clone(), name.clone())) {
                None if required(parameter) => found.add(&self.shown, shown, "it is new, and required"),
                Some(old) if required(parameter) && !required(old) => {
                    found.add(&self.shown, shown, "it could be left out, and is required");
                }
                _ => {}
            }
        }
        for ((place, name), old) in &before {
            let shown = format!("{place} parameter {name}");
            let Some(new) = after.get(&(place.clone(), name.clone())) else {
                // A field of the head that nobody reads harms nobody.
                if place == "path" || place == "query" {
                    found.add(&self.shown, shown, "it is gone");
                }
                continue;
            };
            for manner in ["style", "explode", "allowReserved", "content"] {
                if old.get(manner) != new.get(manner) {
                    found.add(&self.shown, shown.as_str(), format!("its {manner} changed"));
                }
            }
            pair.schemas(Way::Request, old.get("schema"), new.get("schema"), &shown, found);
        }
    }

    fn body(&self, new: &Self, pair: &Pair<'_>, found: &mut Found) {
        const PLACE: &str = "request body";
        let old_body = self.value.get("requestBody").map(|body| self.document.resolve(body));
        let new_body = new.value.get("requestBody").map(|body| new.document.resolve(body));
        let required = |body: &Value| body.get("required").is_some_and(|required| required == true);
        match (old_body, new_body) {
            (None, Some(body)) if required(body) => found.add(&self.shown, PLACE, "it is new, and required"),
            (Some(_), None) => found.add(&self.shown, PLACE, "it is not read any more"),
            (Some(old), Some(new)) => {
                if required(new) && !required(old) {
                    found.add(&self.shown, PLACE, "it could be left out, and is required");
                }
                pair.content(Way::Request, old.get("content"), new.get("content"), PLACE, found);
            }
            _ => {}
        }
    }

    fn answers(&self, new: &Self, pair: &Pair<'_>, found: &mut Found) {
        let later = new.value.get("responses");
        for (status, old) in members(self.value.get("responses")) {
            let old = self.document.resolve(old);
            let place = format!("answer {status}");
            let is_success = status.starts_with('2') || status.starts_with('3');
            let Some(now) = later.and_then(|later| later.get(status)) else {
                // A problem that does not come any more is missed by nobody.
                if is_success {
                    found.add(&self.shown, place, "it is gone");
                }
                continue;
            };
            let now = new.document.resolve(now);
            pair.content(Way::Answer, old.get("content"), now.get("content"), &place, found);
            for (name, header) in members(old.get("headers")) {
                let same = members(now.get("headers")).find(|(other, _)| other.eq_ignore_ascii_case(name));
                let header = self.document.resolve(header);
                match same.map(|(_, now)| new.document.resolve(now)) {
                    None => found.add(&self.shown, place.as_str(), format!("the header field {name} is gone")),
                    Some(now) => {
                        let is_required = |header: &Value| header.get("required").is_some_and(|it| it == true);
                        if is_required(header) && !is_required(now) {
                            let what = format!("the header field {name} was always there, and may be absent");
                            found.add(&self.shown, place.as_str(), what);
                        }
                        let place = format!("{place}, header field {name}");
                        pair.schemas(Way::Answer, header.get("schema"), now.get("schema"), &place, found);
                    }
                }
            }
        }
    }

    /// Each way to authenticate: the schemes that are needed together, with their scopes. None is needed where nothing is said.
    fn ways_in(&self) -> Vec<BTreeMap<&'a str, &'a [Value]>> {
        let said = self.value.get("security").or_else(|| self.document.member("security"));
        let ways: Vec<BTreeMap<_, _>> = items(said)
            .iter()
            .map(|way| members(Some(way)).map(|(name, scopes)| (name.as_str(), items(Some(scopes)))).collect())
            .collect();
        if ways.is_empty() { vec![BTreeMap::new()] } else { ways }
    }

    fn scheme(&self, name: &str) -> Option<&'a Value> {
        let schemes = self.document.member("components")?.get("securitySchemes")?;
        Some(self.document.resolve(schemes.get(name)?))
    }

    fn security(&self, new: &Self, found: &mut Found) {
        let later = new.ways_in();
        for way in self.ways_in() {
            let suffices = |now: &BTreeMap<&str, &[Value]>| {
                now.iter().all(|(name, scopes)| {
                    let given = way.get(name);
                    given.is_some_and(|given| scopes.iter().all(|scope| given.contains(scope)))
                })
            };
            if !later.iter().any(suffices) {
                let names: Vec<_> = way.keys().copied().collect();
                let names = if names.is_empty() { "nothing".to_owned() } else { names.join(" and ") };
                found.add(&self.shown, "security", format!("{names} sufficed to authenticate, and does not any more"));
            }
            for name in way.keys().filter(|name| later.iter().any(|now| now.contains_key(*name))) {
                let said = |scheme: Option<&Value>| {
                    ["type", "scheme", "in", "name", "openIdConnectUrl", "flows"]
                        .map(|member| scheme.and_then(|scheme| scheme.get(member)).cloned())
                };
                if said(self.scheme(name)) != said(new.scheme(name)) {
                    found.add(&self.shown, "security", format!("the scheme {name} changed"));
                }
            }
        }
    }
}
