//! Pages of lists that grow, by cursor.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Rows on a page.
pub(super) const ROWS: u32 = 50;

/// What leads from a page to its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pager {
    /// The newest, if this page is another.
    pub(super) first: Option<String>,
    /// What is older, if there is any.
    pub(super) next: Option<String>,
}

impl Pager {
    /// Of the page of `path` with these filters, that was asked for with `after` and can be followed by `next`.
    pub(super) fn new(path: &str, filters: &[(&str, &str)], after: Option<&str>, next: Option<&str>) -> Self {
        let with = |after: Option<&str>| {
            let pairs = filters.iter().copied().chain(after.map(|after| ("after", after)));
            address(path, pairs)
        };
        Self { first: after.map(|_| with(None)), next: next.map(|next| with(Some(next))) }
    }
}

/// A path with a query; what is empty is left out.
pub(super) fn address<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = path.to_owned();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(name);
        address.push('=');
        address.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
    }
    address
}

/// A filter of a form: what is empty filters nothing.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_from_page_to_page() {
        let pager = Pager::new("/admin/shops", &[("search", "a&b=c")], Some("x"), Some("y"));
        assert_eq!(pager.first.as_deref(), Some("/admin/shops?search=a%26b%3Dc"));
        assert_eq!(pager.next.as_deref(), Some("/admin/shops?search=a%26b%3Dc&after=y"));
    }

    #[test]
    fn the_only_page_leads_nowhere() {
        let pager = Pager::new("/admin/shops", &[("search", "")], None, None);
        assert_eq!(pager, Pager { first: None, next: None });
        assert_eq!(address("/admin/shops", [("search", "")]), "/admin/shops");
    }
}
