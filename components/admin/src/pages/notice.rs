//! A message that the next page of a session shows, such as what an action has done.

use serde::{Deserialize, Serialize};

use crate::i18n::Language;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Notice {
    /// A generation of a component is active now.
    Activated { component: String, generation: u64 },
    /// One's password was changed, and one's other sessions ended.
    PasswordChanged,
    /// All of one's other sessions ended.
    OthersSignedOut,
    /// A member's role was changed.
    RoleChanged { login: String },
    /// A member can't sign in any more.
    Disabled { login: String },
    /// A member can sign in again.
    Enabled { login: String },
    /// An operation waits for a second person.
    OperationWaits,
    /// An operation was executed.
    OperationExecuted,
    /// An operation could not be executed; why, in words.
    OperationRefused { refusal: String },
    /// An operation was rejected.
    OperationRejected,
    /// Dead letters were given their life again.
    Replayed { count: u64 },
    /// There was no such dead letter, or a newer one has taken its place.
    NothingReplayed,
    /// The panel has its first admin.
    Welcome,
}

impl Notice {
    /// In words.
    pub(crate) fn text(&self, language: &Language) -> String {
        match self {
            Self::Activated { component, generation } => {
                language.fill("notice.activated", &[("component", component), ("generation", &generation.to_string())])
            }
            Self::PasswordChanged => language.text("notice.password-changed").to_owned(),
            Self::OthersSignedOut => language.text("notice.others-signed-out").to_owned(),
            Self::RoleChanged { login } => language.fill("notice.role-changed", &[("login", login)]),
            Self::Disabled { login } => language.fill("notice.disabled", &[("login", login)]),
            Self::Enabled { login } => language.fill("notice.enabled", &[("login", login)]),
            Self::OperationWaits => language.text("notice.operation-waits").to_owned(),
            Self::OperationExecuted => language.text("notice.operation-executed").to_owned(),
            Self::OperationRefused { refusal } => language.fill("notice.operation-refused", &[("refusal", refusal)]),
            Self::OperationRejected => language.text("notice.operation-rejected").to_owned(),
            Self::Replayed { count } => language.fill("notice.replayed", &[("count", &count.to_string())]),
            Self::NothingReplayed => language.text("notice.nothing-replayed").to_owned(),
            Self::Welcome => language.text("notice.welcome").to_owned(),
        }
    }

    /// Its style and its icon.
    pub(crate) fn tone(&self) -> &'static str {
        match self {
            Self::OperationRefused { .. } => "bad",
            Self::NothingReplayed => "warn",
            _ => "good",
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// A message of another version of this component is left out.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_the_redirect() {
        let notice = Notice::Activated { component: "core".to_owned(), generation: 4 };
        assert_eq!(Notice::from_json(&notice.to_json()).as_ref(), Some(&notice));
        assert!(notice.text(&Language::English).contains("core") && notice.text(&Language::Russian).contains('4'));
        assert_eq!(Notice::from_json("{\"kind\":\"of-tomorrow\"}"), None);
    }
}
