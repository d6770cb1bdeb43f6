-- core: what staff do to shops and their money by hand, and the audit of it.
-- It only expands. Amounts are whole minor units; times are microseconds since the Unix epoch, UTC.

CREATE TABLE operation (
    -- Chosen by whoever asks, so that asking twice is one operation.
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CONSTRAINT operation_kind
        CHECK (kind IN ('adjustment', 'reversal', 'write-off', 'freeze', 'unfreeze', 'close')),
    shop_id TEXT NOT NULL REFERENCES shop (id),
    -- Of an adjustment: which way the shop's money moves.
    direction TEXT CONSTRAINT operation_direction
        CHECK ((kind = 'adjustment') = (direction IS NOT NULL) AND (direction IS NULL OR direction IN ('incoming', 'outgoing'))),
    -- Of what moves money.
    amount BIGINT CONSTRAINT operation_amount
        CHECK ((kind IN ('adjustment', 'reversal', 'write-off')) = (amount IS NOT NULL)
               AND (amount IS NULL OR amount BETWEEN 1 AND 1000000000000000)),
    currency TEXT CONSTRAINT operation_currency CHECK ((amount IS NULL) = (currency IS NULL)),
    -- Of a reversal: the transfer that is taken back, all or a part of it.
    reversal_of TEXT REFERENCES transfer (id)
        CONSTRAINT operation_reverses CHECK ((kind = 'reversal') = (reversal_of IS NOT NULL)),
    reason TEXT NOT NULL CONSTRAINT operation_reason CHECK (length(reason) BETWEEN 10 AND 500),
    -- `approved` is never kept: what is approved is executed, or refused, in the same transaction.
    status TEXT NOT NULL CONSTRAINT operation_status
        CHECK (status IN ('requested', 'executed', 'rejected', 'expired', 'refused')),
    -- A member of staff; their name as it was.
    requested_by TEXT NOT NULL,
    requested_by_name TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    -- Until when it can be approved; NULL where nobody has to.
    expires_at BIGINT,
    decided_by TEXT,
    decided_by_name TEXT,
    comment TEXT,
    -- When it left `requested`.
    resolved_at BIGINT,
    -- Why the ledger, or the shop's standing, did not let it be executed.
    refusal TEXT,
    -- What it moved.
    transfer_id TEXT CONSTRAINT operation_transfer UNIQUE REFERENCES transfer (id),
    CONSTRAINT operation_always_approved CHECK (kind NOT IN ('close', 'write-off') OR expires_at IS NOT NULL),
    -- Whoever asked may take it back, and never approve it.
    CONSTRAINT operation_second_person CHECK (decided_by IS NULL OR decided_by <> requested_by OR status = 'rejected'),
    CONSTRAINT operation_decided CHECK (
        CASE status
            WHEN 'rejected' THEN expires_at IS NOT NULL AND decided_by IS NOT NULL
            WHEN 'requested' THEN expires_at IS NOT NULL AND decided_by IS NULL
            WHEN 'expired' THEN expires_at IS NOT NULL AND decided_by IS NULL
            ELSE (expires_at IS NULL) = (decided_by IS NULL)
        END),
    CONSTRAINT operation_decided_by CHECK ((decided_by IS NULL) = (decided_by_name IS NULL) AND (comment IS NULL OR decided_by IS NOT NULL)),
    CONSTRAINT operation_resolved CHECK ((status = 'requested') = (resolved_at IS NULL)),
    CONSTRAINT operation_refused CHECK ((status = 'refused') = (refusal IS NOT NULL)),
    CONSTRAINT operation_moved CHECK ((status = 'executed' AND amount IS NOT NULL) = (transfer_id IS NOT NULL))
);
CREATE INDEX operation_of_shop ON operation (shop_id, id);
CREATE INDEX operation_by_status ON operation (status, id);
CREATE INDEX operation_waiting ON operation (expires_at) WHERE status = 'requested';
-- What one person did alone within a day.
CREATE INDEX operation_alone ON operation (requested_by, requested_at) WHERE expires_at IS NULL;
-- An operation is executed once, whatever the code above it believes.
CREATE UNIQUE INDEX transfer_once_per_operation ON transfer (reference) WHERE code IN ('adjustment', 'write-off');

-- Never changed and never deleted: core has no right to.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    -- `operation.requested`, `operation.executed` ...
    action TEXT NOT NULL,
    -- What it was done to: the id of an operation.
    subject TEXT NOT NULL,
    shop_id TEXT REFERENCES shop (id),
    -- Who did it, with the name as it was; NULL where it was nobody, but a time that was over.
    actor_id TEXT,
    actor_name TEXT,
    -- The reason of an operation, or the comment of who decided.
    reason TEXT,
    -- JSON objects: what was changed.
    before_values TEXT,
    after_values TEXT,
    request_id TEXT,
    CONSTRAINT audit_actor CHECK ((actor_id IS NULL) = (actor_name IS NULL))
);
CREATE INDEX audit_of_subject ON audit (subject, id);
CREATE INDEX audit_of_shop ON audit (shop_id, id);
