//! Lists of what belongs to a shop, filtered by currency, status and time.
//!
//! A table that is listed has an index on `(shop_id, currency, status, created_at, id)`. A page takes one run of it for each
//! currency and status that are asked for, each no longer than the page, and merges them: so it costs the same however much there
//! is, and however little of it is asked for.

use std::fmt::Write as _;

use datamp_models::Currency;
use datamp_models::core::{Named, ShopId};
use datamp_sdk::database;
use datamp_sdk::database::ToValue as _;
use datamp_sdk::{Json, Problem, Timestamp, params};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::authentication::{Caller, scope};
use crate::page::{Limit, Page, Window, unknown_cursor};

/// A table that is listed, and which of its columns.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// The table.
    pub table: &'static str,
    /// The columns, `created_at` and `id` among them.
    pub columns: &'static str,
    /// What a status is in the column `status`, and what more has to hold, beginning with ` AND `.
    pub kept_as: fn(&'static str) -> (&'static str, &'static str),
}

/// A status is kept as it is.
pub fn as_it_is(status: &'static str) -> (&'static str, &'static str) {
    (status, "")
}

/// Which entries of a list are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListQuery<Id, Status> {
    /// How many to answer at most.
    #[serde(default)]
    pub limit: Limit,
    /// Answer those that come after this one: the `next` of the page before.
    pub starting_after: Option<Id>,
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
    /// Only those that were made at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only those that were made before this time.
    pub created_before: Option<Timestamp>,
}

impl<Id: AsRef<str>, Status> ListQuery<Id, Status> {
    /// The part of a shop's list that is asked for.
    ///
    /// # Errors
    /// 400 where it is to begin after an entry that the shop has not.
    pub fn window(&self, listing: &Listing, shop: &ShopId) -> Result<Window, Problem> {
        let after = match &self.starting_after {
            None => None,
            Some(id) => Some((listing.time_of(shop, id.as_ref())?.ok_or_else(unknown_cursor)?, id.as_ref())),
        };
        Ok(Window::new(self.created_after, self.created_before, after))
    }

    /// The page that begins `rows`.
    pub fn page<T: Entry>(&self, rows: Vec<T>) -> Json<Page<T>> {
        Json(Page::new(rows, self.limit, |entry| entry.place().1.to_owned()))
    }
}

/// The place of an entry in its list.
pub trait Entry {
    /// When it was made, and its id.
    fn place(&self) -> (Timestamp, &str);
}

impl Listing {
    /// A page of the caller's list, newest first; one statement for each currency.
    ///
    /// # Errors
    /// As [`ListQuery::window`].
    pub fn page<T: Entry + DeserializeOwned, Id: AsRef<str>, Status: Named>(
        &self,
        caller: &Caller<scope::Read>,
        query: &ListQuery<Id, Status>,
    ) -> Result<Json<Page<T>>, Problem> {
        let Window { from, until, below } = query.window(self, &caller.shop)?;
        let rows = query.limit.rows();
        let statuses = query.status.as_ref().map_or(Status::ALL, std::slice::from_ref);
        let statuses: Vec<_> = statuses.iter().map(|status| (self.kept_as)(status.as_str())).collect();
        let statement = self.statement(&statuses);
        let mut entries: Vec<T> = Vec::new();
        for currency in caller.currencies(query.currency) {
            let mut parameters =
                params![caller.shop.as_str(), currency.code(), from, until, below.as_str(), rows].to_vec();
            parameters.extend(statuses.iter().map(|(status, _)| status.to_value()));
            entries.extend(database::query::<T>(&statement, &parameters)?);
        }
        entries.sort_by(|a, b| b.place().cmp(&a.place()));
        Ok(query.page(entries))
    }

    /// The time of a shop's entry, by which a page finds where it begins.
    fn time_of(&self, shop: &ShopId, id: &str) -> Result<Option<Timestamp>, database::Error> {
        let statement = format!("SELECT created_at FROM {} WHERE shop_id = $1 AND id = $2", self.table);
        let row: Option<(Timestamp,)> = database::query_optional(&statement, params![shop.as_str(), id])?;
        Ok(row.map(|(time,)| time))
    }

    /// Statuses are the parameters from the seventh on.
    fn statement(&self, statuses: &[(&str, &str)]) -> String {
        let Self { table, columns, .. } = self;
        let mut text = String::new();
        for (place, (_, condition)) in statuses.iter().enumerate() {
            let union = if place == 0 { "" } else { " UNION ALL " };
            let status = place + 7;
            // Writing to a String can't fail.
            let _ = write!(
                text,
                "{union}SELECT * FROM (SELECT {columns} FROM {table} WHERE shop_id = $1 AND currency = $2 AND status = ${status}{condition} \
                 AND created_at >= $3 AND created_at <= $4 AND (created_at < $4 OR id < $5) \
                 ORDER BY created_at DESC, id DESC LIMIT $6) AS run_{place}"
            );
        }
        text + " ORDER BY created_at DESC, id DESC LIMIT $6"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_a_run_of_its_own() {
        let listing = Listing { table: "payment", columns: "id, created_at", kept_as: as_it_is };
        let one = listing.statement(&[("held", "")]);
        assert!(one.contains("status = $7 ") && !one.contains("UNION") && !one.contains("$8"), "{one}");
        let three = listing.statement(&[("a", ""), ("b", " AND c = 1"), ("d", "")]);
        assert_eq!(three.matches("UNION ALL").count(), 2);
        assert!(
            three.contains("status = $8 AND c = 1 AND") && three.contains("status = $9 ") && !three.contains("$10"),
            "{three}"
        );
        assert!(three.ends_with(" ORDER BY created_at DESC, id DESC LIMIT $6"));
    }
}
