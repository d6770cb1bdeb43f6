-- core: every transfer updates its two accounts, and PostgreSQL writes a new version of a row for each update. With room for it on
-- the same page, the indexes stay as they are (a "heap-only tuple"), and what is old is cleared when the page is next
-- read. Without it the table grows by pages until the next VACUUM. Pages that are full already get their room as they are updated.
ALTER TABLE account SET (fillfactor = 50);
