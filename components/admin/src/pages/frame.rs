//! What stands around every page, and how its templates write texts, numbers and times.

use askama::Template;
use askama::filters::HtmlSafe;
use datamp_sdk::Timestamp;

use super::assets;
use super::icons;
use super::notice::Notice;
use crate::format;
use crate::i18n::Language;
use crate::roles::{Permission, allows};
use crate::sessions::Member;

/// What stands around a page.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) language: Language,
    /// Which entry of the navigation the page belongs to.
    pub(crate) section: &'static str,
    /// Where the switch of languages comes back to.
    pub(crate) here: String,
    /// What every form of the page carries.
    pub(crate) csrf: String,
    /// Who is signed in.
    pub(crate) member: Option<Member>,
    pub(crate) notice: Option<Notice>,
}

/// An entry of the navigation.
pub(crate) struct Entry {
    pub(crate) section: &'static str,
    pub(crate) href: &'static str,
    pub(crate) label: &'static str,
    pub(crate) icon: Markup,
    /// The key that leads there after `g`: its `code` of UI Events, so that it is the same key on a Russian keyboard.
    pub(crate) code: &'static str,
    pub(crate) letter: &'static str,
    /// Where the number beside it comes from.
    pub(crate) badge: Option<&'static str>,
    /// It begins a group.
    pub(crate) group: Option<&'static str>,
}

/// Text that is HTML already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Markup(pub(crate) &'static str);

impl std::fmt::Display for Markup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl HtmlSafe for Markup {}

/// A moment: readable, and for programs.
#[derive(Template)]
#[template(source = r#"<time datetime="{{ iso }}">{{ text }}</time>"#, ext = "html")]
pub(crate) struct Moment {
    iso: String,
    text: String,
}

impl HtmlSafe for Moment {}

/// A value in a fixed-width face, shortened for the eye, with a button that copies all of it.
#[derive(Template)]
#[template(
    source = r#"<span class="copyable"><code{% if short.len() < whole.len() %} title="{{ whole }}"{% endif %}>{{ short }}</code><button class="copy" type="button" data-copy="{{ whole }}" data-done="{{ done }}" aria-label="{{ label }}" title="{{ label }}" hidden>{{ icon }}</button></span>"#,
    ext = "html"
)]
pub(crate) struct Copyable {
    short: String,
    whole: String,
    label: &'static str,
    done: &'static str,
    icon: Markup,
}

impl HtmlSafe for Copyable {}

impl Frame {
    /// Of a page for nobody in particular, when not even the session could be read.
    pub(crate) fn bare(language: Language) -> Self {
        Self { language, section: "", here: "/admin".to_owned(), csrf: String::new(), member: None, notice: None }
    }

    /// A text.
    pub(crate) fn t(&self, key: &'static str) -> &'static str {
        self.language.text(key)
    }

    /// A text with one place filled in.
    pub(crate) fn fill(&self, key: &'static str, name: &str, value: impl std::fmt::Display) -> String {
        self.language.fill(key, &[(name, &value.to_string())])
    }

    pub(crate) fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    /// Where an asset is, with its hash, so that it may be cached for ever.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    pub(crate) fn icon(&self, name: &str) -> Markup {
        icons::icon(name)
    }

    /// Whether who is signed in may.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.member.as_ref().is_some_and(|member| allows(member.role, permission))
    }

    pub(crate) fn money(&self, amount: &i64, currency: &str) -> String {
        format::money(*amount, currency, self.language)
    }

    pub(crate) fn number(&self, number: &u64) -> String {
        format::grouped(*number, self.language)
    }

    pub(crate) fn share(&self, part: &u64, whole: &u64) -> String {
        format::share(*part, *whole, self.language)
    }

    pub(crate) fn duration(&self, microseconds: &u64) -> String {
        format::duration(*microseconds, self.language)
    }

    pub(crate) fn size(&self, bytes: &u64) -> String {
        format::size(*bytes, self.language)
    }

    pub(crate) fn moment(&self, at: &Timestamp) -> Moment {
        Moment { iso: at.to_rfc3339(), text: format::moment(at.as_micros(), self.language) }
    }

    /// A moment that another component told as RFC 3339; shown as it came where it is none.
    pub(crate) fn moment_of(&self, text: &str) -> Moment {
        match Timestamp::parse(text) {
            Ok(at) => self.moment(&at),
            Err(_) => Moment { iso: text.to_owned(), text: text.to_owned() },
        }
    }

    /// An id, shown whole.
    pub(crate) fn copyable(&self, whole: &str) -> Copyable {
        self.shortened(whole, usize::MAX)
    }

    /// The first characters of a long value, such as a hash.
    pub(crate) fn shortened(&self, whole: &str, characters: usize) -> Copyable {
        Copyable {
            short: whole.chars().take(characters).collect(),
            whole: whole.to_owned(),
            label: self.t("action.copy"),
            done: self.t("action.copied"),
            icon: icons::icon("copy"),
        }
    }

    /// The navigation of who is signed in: what they may not see is not there.
    pub(crate) fn navigation(&self) -> Vec<Entry> {
        use Permission::*;
        let entry = |permission, section, href, label, code, letter, group| {
            let badge = (section == "approvals" && self.may(ChangeMoney)).then_some("/admin/parts/approvals");
            let (label, icon) = (self.t(label), icons::icon(section));
            let entry = Entry { section, href, label, icon, code, letter, badge, group };
            self.may(permission).then_some(entry)
        };
        let business = Some(self.t("nav.business"));
        let system = Some(self.t("nav.system"));
        [
            entry(ReadSystem, "dashboard", "/admin", "nav.dashboard", "KeyD", "D", None),
            entry(ReadMoney, "shops", "/admin/shops", "nav.shops", "KeyS", "S", business),
            entry(ReadMoney, "transfers", "/admin/transfers", "nav.transfers", "KeyT", "T", None),
            entry(ReadMoney, "operations", "/admin/operations", "nav.operations", "KeyO", "O", None),
            entry(ReadMoney, "approvals", "/admin/approvals", "nav.approvals", "KeyP", "P", None),
            entry(ReadMail, "mail", "/admin/mail", "nav.mail", "KeyM", "M", None),
            entry(ReadSystem, "components", "/admin/components", "nav.components", "KeyC", "C", system),
            entry(ReadSystem, "work", "/admin/deferred", "nav.work", "KeyW", "W", None),
            entry(ReadAudit, "audit", "/admin/audit", "nav.audit", "KeyA", "A", None),
            entry(ManageStaff, "staff", "/admin/staff", "nav.staff", "KeyU", "U", None),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::roles::Role;

    /// A frame of someone with this role, for the tests of pages.
    pub(crate) fn of(role: Role, language: Language) -> Frame {
        let member = Member {
            id: "staff_01".to_owned(),
            login: "anna".to_owned(),
            name: "Anna <b>Petrova</b>".to_owned(),
            role,
            one_time: false,
        };
        Frame { member: Some(member), csrf: "form-token".to_owned(), ..Frame::bare(language) }
    }

    #[test]
    fn navigation_shows_what_a_role_may_see() {
        let sections =
            |role| of(role, Language::English).navigation().iter().map(|entry| entry.section).collect::<Vec<_>>();
        assert_eq!(
            sections(Role::Support),
            ["dashboard", "shops", "transfers", "operations", "approvals", "components", "work"]
        );
        assert_eq!(
            sections(Role::Manager),
            ["dashboard", "shops", "transfers", "operations", "approvals", "mail", "components", "work", "audit"]
        );
        assert_eq!(sections(Role::Admin).last(), Some(&"staff"));
        assert!(Frame::bare(Language::English).navigation().is_empty());
        let counted = |role| of(role, Language::English).navigation().iter().any(|entry| entry.badge.is_some());
        assert!(counted(Role::Manager) && !counted(Role::Support), "who can't approve is not told how many wait");
    }

    #[test]
    fn values_are_escaped_in_text_and_in_attributes() {
        let frame = of(Role::Admin, Language::English);
        let html = frame.copyable("\"><script>").render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("=\"\">"), "{html}");
        let html = frame.moment_of("<i>soon</i>").render().unwrap();
        assert!(!html.contains("<i>"), "{html}");
    }

    #[test]
    fn a_moment_is_told_to_people_and_to_programs() {
        let html = of(Role::Admin, Language::English).moment_of("2026-11-23T16:09:05Z").render().unwrap();
        assert_eq!(html, "<time datetime=\"2026-11-23T16:09:05Z\">23\u{a0}Nov\u{a0}2026, 16:09:05\u{a0}UTC</time>");
    }
}
