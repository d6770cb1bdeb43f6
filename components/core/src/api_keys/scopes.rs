//! What an API key may do.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use datamp_models::core::ApiScope;
use datamp_sdk::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

/// The scopes of a key: everything, also what is yet to come, or what is named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Option<String>")]
pub struct Scopes(Option<BTreeSet<ApiScope>>);

/// Not scopes, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidScopes(String);

impl fmt::Display for InvalidScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no list of scopes", self.0)
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self(None);

    /// Whether a key with these may do this.
    pub fn allow(&self, scope: ApiScope) -> bool {
        self.0.as_ref().is_none_or(|named| named.contains(&scope))
    }

    /// What others allow, and these don't, if anything. Everything is more than all that can be named.
    pub fn lack(&self, others: &Self) -> Option<Vec<ApiScope>> {
        let named = self.0.as_ref()?;
        let lacking: Vec<_> = others.iter().filter(|scope| !named.contains(scope)).collect();
        (others.0.is_none() || !lacking.is_empty()).then_some(lacking)
    }

    /// As they are kept: names set apart by spaces; `None` for everything.
    pub fn kept(&self) -> Option<String> {
        let names: Vec<_> = self.0.as_ref()?.iter().map(|scope| scope.as_str()).collect();
        Some(names.join(" "))
    }

    fn iter(&self) -> impl Iterator<Item = ApiScope> + '_ {
        ApiScope::ALL.iter().copied().filter(|scope| self.allow(*scope))
    }
}

impl TryFrom<Option<String>> for Scopes {
    type Error = InvalidScopes;

    /// A name that is not known is one of a release to come, which this one has nothing to allow for.
    fn try_from(kept: Option<String>) -> Result<Self, InvalidScopes> {
        let Some(kept) = kept else { return Ok(Self::ALL) };
        if kept.trim().is_empty() {
            return Err(InvalidScopes(kept));
        }
        Ok(Self(Some(kept.split_ascii_whitespace().filter_map(ApiScope::named).collect())))
    }
}

/// A list of all that they allow.
impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl JsonSchema for Scopes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scopes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Vec<ApiScope>>()
    }
}

/// Scopes that are asked for: each once, one at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ApiScope>")]
pub struct ScopeList(BTreeSet<ApiScope>);

/// Not a list of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidScopeList;

impl fmt::Display for InvalidScopeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must name one scope at least, and none twice; leave it out for all")
    }
}

impl TryFrom<Vec<ApiScope>> for ScopeList {
    type Error = InvalidScopeList;

    fn try_from(list: Vec<ApiScope>) -> Result<Self, InvalidScopeList> {
        let count = list.len();
        let scopes: BTreeSet<_> = list.into_iter().collect();
        if count == 0 || scopes.len() != count { Err(InvalidScopeList) } else { Ok(Self(scopes)) }
    }
}

impl JsonSchema for ScopeList {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ScopeList".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let scope = generator.subschema_for::<ApiScope>();
        json_schema!({ "type": "array", "items": scope, "minItems": 1, "uniqueItems": true })
    }
}

impl From<ScopeList> for Scopes {
    fn from(list: ScopeList) -> Self {
        Self(Some(list.0))
    }
}

/// The key that a request came with may not do what was asked. `scope` is one name or several, set apart by spaces (RFC 6750,
/// section 3.1).
pub fn missing(scopes: &[ApiScope]) -> Problem {
    let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    let scope = names.join(" ");
    Problem::new(403, "scope-missing", "The API key lacks a scope")
        .detail(format!("This takes a key with the scope {}. Use one that has it.", names.join(" and ")))
        .header("www-authenticate", format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""))
        .with("scope", scope)
}

/// The key that a request came with may not make a key that may do this.
pub fn not_to_be_given(lacking: &[ApiScope]) -> Problem {
    if lacking.is_empty() {
        return Problem::new(403, "scope-missing", "The API key lacks a scope").detail(
            "A key with all scopes, also those to come, can only be made by another such key. Name the scopes of the new key.",
        );
    }
    missing(lacking)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Scopes {
        Scopes::try_from(Some(text.to_owned())).unwrap()
    }

    #[test]
    fn a_key_of_before_may_do_everything() {
        let scopes = Scopes::try_from(None).unwrap();
        assert!(ApiScope::ALL.iter().all(|scope| scopes.allow(*scope)));
        assert_eq!(scopes.kept(), None);
        assert_eq!(serde_json::to_value(&scopes).unwrap().as_array().map(Vec::len), Some(ApiScope::ALL.len()));
    }

    #[test]
    fn what_is_named_is_allowed_and_kept_and_nothing_else() {
        let scopes = kept("refunds read");
        assert!(scopes.allow(ApiScope::Read) && scopes.allow(ApiScope::Refunds) && !scopes.allow(ApiScope::Payments));
        assert_eq!(scopes.kept().as_deref(), Some("read refunds"));
        assert_eq!(serde_json::to_string(&scopes).unwrap(), r#"["read","refunds"]"#);
    }

    /// Code of a release before must not take a name that it does not know for everything.
    #[test]
    fn unknown_names_allow_nothing() {
        let scopes = kept("from-tomorrow");
        assert!(!ApiScope::ALL.iter().any(|scope| scopes.allow(*scope)));
        assert!(Scopes::try_from(Some(" ".to_owned())).is_err());
    }

    #[test]
    fn a_key_gives_what_it_has_and_no_more() {
        let (some, fewer) = (kept("keys read"), kept("read"));
        assert_eq!(Scopes::ALL.lack(&Scopes::ALL), None);
        assert_eq!(Scopes::ALL.lack(&some), None);
        assert_eq!(some.lack(&fewer), None);
        assert_eq!(some.lack(&some), None);
        assert_eq!(fewer.lack(&some), Some(vec![ApiScope::Keys]));
        // Each scope that there is today is less than everything.
        let every = kept("read payments refunds top-ups accounts keys webhooks");
        assert_eq!(every.lack(&Scopes::ALL), Some(vec![]));
        assert_eq!(not_to_be_given(&[]).slug(), "scope-missing");
    }

    #[test]
    fn a_list_names_each_scope_once_and_one_at_least() {
        let read = |text: &str| serde_json::from_str::<ScopeList>(text);
        assert!(read(r#"["read", "keys"]"#).is_ok());
        for wrong in ["[]", r#"["read", "read"]"#, r#"["everything"]"#, r#""read""#, "null", "[1]", r#"["READ"]"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
