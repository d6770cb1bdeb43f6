-- core: holds, corrections and the hash chain of the ledger.
-- It only expands. What the code of the release before writes beside it has the defaults: it posts, knows of no hold, and
-- leaves NULL what it does not compute.

-- The hash of the account's latest transfer that is in its chain, SHA-256 in hex: see ledger/chain.rs in core.
-- NULL before there is one.
ALTER TABLE account ADD COLUMN chain_head TEXT;

-- `posted` moves its amount at once. `hold` reserves it; one of the others refers to the hold and resolves it: `capture` moves
-- its own amount and releases the rest, `void` and `expiry` release all of it.
ALTER TABLE transfer ADD COLUMN kind TEXT NOT NULL DEFAULT 'posted'
    CONSTRAINT transfer_kind CHECK (kind IN ('posted', 'hold', 'capture', 'void', 'expiry'));
-- The hold that is resolved.
ALTER TABLE transfer ADD COLUMN pending_id TEXT CONSTRAINT transfer_pending REFERENCES transfer (id)
    CONSTRAINT transfer_resolves CHECK ((pending_id IS NOT NULL) = (kind IN ('capture', 'void', 'expiry')));
-- The transfer that is corrected: all or a part of its amount goes back.
ALTER TABLE transfer ADD COLUMN reversal_of TEXT CONSTRAINT transfer_reversal REFERENCES transfer (id)
    CONSTRAINT transfer_reverses CHECK (reversal_of IS NULL OR kind = 'posted');
-- When a hold lapses; NULL for never.
ALTER TABLE transfer ADD COLUMN expires_at BIGINT
    CONSTRAINT transfer_expires CHECK (expires_at IS NULL OR kind = 'hold');
-- What is pending at each account after this transfer, so that a balance as of a date is one row.
ALTER TABLE transfer ADD COLUMN debit_debits_pending BIGINT;
ALTER TABLE transfer ADD COLUMN debit_credits_pending BIGINT;
ALTER TABLE transfer ADD COLUMN credit_debits_pending BIGINT;
ALTER TABLE transfer ADD COLUMN credit_credits_pending BIGINT;
-- The transfer's place in the chains of its accounts, SHA-256 in hex.
ALTER TABLE transfer ADD COLUMN debit_hash TEXT;
ALTER TABLE transfer ADD COLUMN credit_hash TEXT;

-- A hold is resolved once, whatever the code above it believes.
CREATE UNIQUE INDEX transfer_resolves_once ON transfer (pending_id) WHERE pending_id IS NOT NULL;
CREATE INDEX transfer_reversals ON transfer (reversal_of) WHERE reversal_of IS NOT NULL;
-- What statements show. A shop that holds and voids all day long must not make its statement slow.
CREATE INDEX transfer_movement_of_debit_account ON transfer (debit_account_id, created_at)
    WHERE kind IN ('posted', 'capture');
CREATE INDEX transfer_movement_of_credit_account ON transfer (credit_account_id, created_at)
    WHERE kind IN ('posted', 'capture');

-- The holds that are not resolved, so that those which lapse are found without those which did. A row goes when its hold is
-- resolved; the truth is in `transfer`.
CREATE TABLE open_hold (
    id TEXT NOT NULL PRIMARY KEY CONSTRAINT open_hold_transfer REFERENCES transfer (id),
    -- NULL for never.
    expires_at BIGINT
);
CREATE INDEX open_hold_by_expiry ON open_hold (expires_at, id) WHERE expires_at IS NOT NULL;
