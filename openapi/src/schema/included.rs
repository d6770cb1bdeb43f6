//! Whether one alternative lies within another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::alternatives::{Alternative, Kind};
use super::{Comparison, Fault};
use crate::message::Way;

/// The bounds from below that are counted in whole numbers from 0, and those from above, with what they bound.
const LEAST: [(&str, &str); 4] = [
    ("minLength", "shortest length"),
    ("minItems", "least number of items"),
    ("minProperties", "least number of properties"),
    ("minContains", "least number of matching items"),
];
const MOST: [(&str, &str); 4] = [
    ("maxLength", "greatest length"),
    ("maxItems", "greatest number of items"),
    ("maxProperties", "greatest number of properties"),
    ("maxContains", "greatest number of matching items"),
];

/// Faults, as they are found at one place.
struct Faults<'a> {
    way: Way,
    place: &'a str,
    found: BTreeSet<Fault>,
}

impl Faults<'_> {
    fn add(&mut self, what: impl Into<String>) {
        self.found.insert(Fault { place: self.place.to_owned(), what: what.into() });
    }

    /// Of something that both say otherwise, in the order of time.
    fn differs(&mut self, of: &str, narrow: Option<&Value>, wide: Option<&Value>) {
        let shown = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
        let (narrow, wide) = (shown(narrow), shown(wide));
        let (old, new) = match self.way {
            Way::Request => (narrow, wide),
            Way::Answer => (wide, narrow),
        };
        self.add(format!("its {of} was {old}, and is {new}"));
    }
}

impl Comparison<'_> {
    /// What keeps `narrow` from lying within `wide`; both are of the same type.
    pub(super) fn within(&mut self, narrow: &Alternative, wide: &Alternative, place: &str) -> BTreeSet<Fault> {
        let mut faults = Faults { way: self.way, place, found: BTreeSet::new() };
        values(narrow, wide, &mut faults);
        ranges(narrow, wide, &mut faults);
        lengths(narrow, wide, &mut faults);
        others(narrow, wide, &mut faults);
        if self.way == Way::Request && narrow.default != wide.default {
            faults.differs("default", narrow.default.as_ref(), wide.default.as_ref());
        }
        let mut found = faults.found;
        if narrow.kind == Kind::Array && !wide.items.is_empty() {
            found.extend(self.compare(&all(&narrow.items), &all(&wide.items), &format!("{place}[]")));
        }
        if narrow.kind == Kind::Object {
            found.extend(self.properties(narrow, wide, place));
        }
        found
    }

    fn properties(&mut self, narrow: &Alternative, wide: &Alternative, place: &str) -> BTreeSet<Fault> {
        let at = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        let mut found = BTreeSet::new();
        let mut add = |name: &str, what: &str| found.insert(Fault { place: at(name), what: what.to_owned() });
        for name in wide.required.difference(&narrow.required) {
            let is_new = !narrow.properties.contains_key(name);
            // That is told below.
            let gone = self.way == Way::Answer && is_new && wide.properties.contains_key(name);
            if !gone {
                add(
                    name,
                    match self.way {
                        Way::Request if is_new => "it is new, and required",
                        Way::Request => "it could be left out, and is required",
                        Way::Answer => "it was always there, and may be absent",
                    },
                );
            }
        }
        match self.way {
            // What is not read any more is refused, or has no effect: neither is what was asked for.
            Way::Request => {
                for name in narrow.properties.keys().filter(|name| !wide.properties.contains_key(*name)) {
                    add(name, "it was taken, and is not read any more");
                }
            }
            Way::Answer => {
                for name in wide.properties.keys().filter(|name| !narrow.properties.contains_key(*name)) {
                    add(name, "it is gone");
                }
                for name in narrow.properties.keys().filter(|name| !wide.properties.contains_key(*name)) {
                    if !wide.takes_others() {
                        add(name, "it is new, and other fields than those that were there were ruled out");
                    }
                }
            }
        }
        if narrow.takes_others() && !wide.takes_others() {
            let what = match self.way {
                Way::Request => "fields of other names were let in, and are refused",
                Way::Answer => "fields of other names were ruled out, and may now come",
            };
            found.insert(Fault { place: place.to_owned(), what: what.to_owned() });
        } else if narrow.takes_others() && !wide.additional.is_empty() {
            found.extend(self.compare(&all(&narrow.additional), &all(&wide.additional), &at("*")));
        }
        let told_already = |name: &str| match self.way {
            Way::Request => !wide.properties.contains_key(name),
            Way::Answer => !wide.properties.contains_key(name) && !wide.takes_others(),
        };
        let names: Vec<&String> = narrow.properties.keys().filter(|name| !told_already(name)).collect();
        for name in names {
            found.extend(self.compare(&all(narrow.of_property(name)), &all(wide.of_property(name)), &at(name)));
        }
        found
    }
}

/// One schema that says what all of them say.
fn all(schemas: &[Value]) -> Value {
    let mut different: Vec<&Value> = Vec::new();
    for schema in schemas {
        if !different.contains(&schema) {
            different.push(schema);
        }
    }
    match different.as_slice() {
        [] => Value::Bool(true),
        [only] => (*only).clone(),
        several => json!({ "allOf": several }),
    }
}

fn values(narrow: &Alternative, wide: &Alternative, faults: &mut Faults<'_>) {
    let Some(taken) = &wide.values else { return };
    if faults.way == Way::Answer && wide.is_open {
        return;
    }
    let shown = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    match (&narrow.values, faults.way) {
        (Some(values), way) => {
            let others: Vec<Value> = values.iter().filter(|value| !taken.contains(value)).cloned().collect();
            match way {
                _ if others.is_empty() => {}
                Way::Request => faults.add(format!("{} was taken, and is not any more", shown(&others))),
                Way::Answer => faults.add(format!("it may now be {}", shown(&others))),
            }
        }
        (None, Way::Request) => faults.add(format!("nothing but {} is taken any more", shown(taken))),
        (None, Way::Answer) => faults.add(format!("it was {}, and may now be anything", shown(taken))),
    }
}

fn ranges(narrow: &Alternative, wide: &Alternative, faults: &mut Faults<'_>) {
    // Of integers the bound itself may be left out: the next one is as good.
    let step = if narrow.kind == Kind::Integer { 1.0 } else { 0.0 };
    let numbers = narrow.values.as_ref().map(|values| values.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
    for (name, strict, sign, of) in
        [("minimum", "exclusiveMinimum", 1.0, "least value"), ("maximum", "exclusiveMaximum", -1.0, "greatest value")]
    {
        // Turned about, a bound from above is one from below.
        let (least, above) = (narrow.number(name).map(|n| n * sign), narrow.number(strict).map(|n| n * sign));
        let meets = |bound: f64, is_strict: bool| {
            let fits = |n: &f64| if is_strict { n * sign > bound } else { n * sign >= bound };
            // A strict bound is met by one that is as great, and any bound by one beyond it.
            let reach = if is_strict { 0.0 } else { step };
            numbers.as_ref().is_some_and(|numbers| numbers.iter().all(fits))
                || least.is_some_and(|least| if is_strict { least > bound } else { least >= bound })
                || above.is_some_and(|above| above + reach >= bound)
        };
        for (name, is_strict) in [(name, false), (strict, true)] {
            if wide.number(name).is_some_and(|bound| !meets(bound * sign, is_strict)) {
                faults.differs(of, narrow.bounds.get(name), wide.bounds.get(name));
            }
        }
    }
}

fn lengths(narrow: &Alternative, wide: &Alternative, faults: &mut Faults<'_>) {
    let lengths = narrow.values.as_ref().map(|values| {
        values.iter().filter_map(Value::as_str).map(|text| text.chars().count() as f64).collect::<Vec<_>>()
    });
    let lengths = lengths.filter(|_| narrow.kind == Kind::Text);
    for (name, of) in LEAST {
        let Some(bound) = wide.number(name).filter(|bound| *bound > 0.0) else { continue };
        let meets = lengths.as_ref().is_some_and(|lengths| lengths.iter().all(|length| *length >= bound))
            || narrow.number(name).is_some_and(|least| least >= bound);
        if !meets {
            faults.differs(of, narrow.bounds.get(name), wide.bounds.get(name));
        }
    }
    for (name, of) in MOST {
        let Some(bound) = wide.number(name) else { continue };
        let meets = lengths.as_ref().is_some_and(|lengths| lengths.iter().all(|length| *length <= bound))
            || narrow.number(name).is_some_and(|most| most <= bound);
        if !meets {
            faults.differs(of, narrow.bounds.get(name), wide.bounds.get(name));
        }
    }
}

/// What is met by its equal alone, but for these: 32 bits are within 64, and a multiple of 4 is one of 2.
fn others(narrow: &Alternative, wide: &Alternative, faults: &mut Faults<'_>) {
    for (keyword, value) in wide.other.difference(&narrow.other) {
        let same: Vec<&str> =
            narrow.other.iter().filter(|(other, _)| other == keyword).map(|(_, value)| value.as_str()).collect();
        let meets = match keyword.as_str() {
            "format" => value == "\"int64\"" && same.contains(&"\"int32\""),
            "multipleOf" => {
                let whole = |text: &str| text.parse::<i64>().ok().filter(|number| *number > 0);
                whole(value).is_some_and(|step| {
                    let of_all = narrow.kind == Kind::Integer && step == 1;
                    of_all || same.iter().any(|other| whole(other).is_some_and(|other| other % step == 0))
                })
            }
            _ => false,
        };
        if !meets {
            let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
            let before = same.first().and_then(|text| parsed(text));
            faults.differs(keyword, before.as_ref(), parsed(value).as_ref());
        }
    }
}
