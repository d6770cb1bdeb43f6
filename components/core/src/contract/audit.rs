//! `datamp:core/audit`.

use datamp_models::core::AuditEntryId;

use super::bindings::datamp::core::types::{CoreError, Page};
use super::bindings::exports::datamp::core::audit as exported;
use super::{Core, convert, limit, unavailable};
use crate::audit::{Written, store};

impl exported::Guest for Core {
    fn list_entries(filter: exported::EntryFilter, page: Page) -> Result<exported::EntryPage, CoreError> {
        let shop = filter.shop.map(|shop| convert::shop_id("shop", &shop)).transpose()?;
        let (limit, after) = (limit(&page), convert::after::<AuditEntryId>(&page)?);
        let entries = store::page(filter.subject.as_deref(), shop.as_ref(), after.as_ref(), limit.rows());
        let page = crate::page::Page::new(entries.map_err(unavailable)?, limit, |entry| entry.id.to_string());
        Ok(exported::EntryPage { entries: page.data.into_iter().map(entry).collect(), next: page.next })
    }
}

fn entry(entry: Written) -> exported::Entry {
    exported::Entry {
        id: entry.id.into(),
        at: entry.at.to_rfc3339(),
        action: entry.action,
        subject: entry.subject,
        shop: entry.shop_id.map(String::from),
        actor_id: entry.actor_id,
        actor_name: entry.actor_name,
        reason: entry.reason,
        before: entry.before_values,
        after: entry.after_values,
        request_id: entry.request_id,
    }
}
