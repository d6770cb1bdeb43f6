-- core: what is sent to the shops' own systems when something happened, and how that went.
-- Times are microseconds since the Unix epoch, UTC.

CREATE TABLE webhook_endpoint (
    id TEXT NOT NULL PRIMARY KEY,
    shop_id TEXT NOT NULL REFERENCES shop (id),
    -- Each of a shop has a place of its own, which bounds their number. NULL once it is deleted.
    slot BIGINT CONSTRAINT webhook_endpoint_slot_range CHECK (slot BETWEEN 1 AND 16),
    url TEXT NOT NULL,
    description TEXT,
    -- A JSON list of names; NULL for all types, those to come too.
    event_types TEXT,
    status TEXT NOT NULL CONSTRAINT webhook_endpoint_status CHECK (status IN ('enabled', 'disabled', 'deleted')),
    disabled_because TEXT
        CONSTRAINT webhook_endpoint_reason CHECK (disabled_because IN ('requested', 'gone', 'failing')),
    disabled_at BIGINT,
    -- The secret is no column: it is made of the id, this number and a key that never enters the database.
    secret_version BIGINT NOT NULL CONSTRAINT webhook_endpoint_secret CHECK (secret_version >= 1),
    -- Until then the secret before signs too.
    previous_secret_until BIGINT,
    -- Attempts that failed since the last one that did not, and when the first of them was made.
    failures BIGINT NOT NULL CONSTRAINT webhook_endpoint_failures CHECK (failures >= 0),
    failing_since BIGINT,
    -- Nothing is sent before.
    paused_until BIGINT,
    -- Whoever sends has it to themselves until then.
    sending_until BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT webhook_endpoint_slot UNIQUE (shop_id, slot),
    CONSTRAINT webhook_endpoint_deleted CHECK ((status = 'deleted') = (slot IS NULL)),
    CONSTRAINT webhook_endpoint_disabled CHECK ((status = 'disabled') = (disabled_because IS NOT NULL)
        AND (disabled_because IS NULL) = (disabled_at IS NULL)),
    CONSTRAINT webhook_endpoint_failing CHECK ((failures = 0) = (failing_since IS NULL))
);
CREATE INDEX webhook_endpoint_of_shop ON webhook_endpoint (shop_id, id);
-- Asked in each transaction that something may be told of.
CREATE INDEX webhook_endpoint_enabled ON webhook_endpoint (shop_id) WHERE status = 'enabled';

-- Something that happened, for which there was an endpoint.
CREATE TABLE webhook_event (
    id TEXT NOT NULL PRIMARY KEY,
    shop_id TEXT NOT NULL REFERENCES shop (id),
    type TEXT NOT NULL,
    -- What is sent, byte for byte.
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When its deliveries were made.
    fanned_out_at BIGINT
);
CREATE INDEX webhook_event_waiting ON webhook_event (id) WHERE fanned_out_at IS NULL;
CREATE INDEX webhook_event_by_age ON webhook_event (created_at);

-- An event on its way to an endpoint: there is one for each two.
CREATE TABLE webhook_delivery (
    event_id TEXT NOT NULL CONSTRAINT webhook_delivery_event REFERENCES webhook_event (id),
    endpoint_id TEXT NOT NULL CONSTRAINT webhook_delivery_endpoint REFERENCES webhook_endpoint (id),
    status TEXT NOT NULL CONSTRAINT webhook_delivery_status CHECK (status IN ('pending', 'delivered', 'dead')),
    dead_because TEXT CONSTRAINT webhook_delivery_reason
        CHECK (dead_because IN ('attempts-exhausted', 'gone', 'endpoint-disabled')),
    -- All attempts, counted before each, and how many of them were made before it was last replayed.
    attempts BIGINT NOT NULL,
    attempts_before BIGINT NOT NULL,
    next_attempt_at BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (event_id, endpoint_id),
    CONSTRAINT webhook_delivery_attempts CHECK (attempts_before >= 0 AND attempts BETWEEN attempts_before AND attempts_before + 10),
    CONSTRAINT webhook_delivery_next CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT webhook_delivery_finished CHECK ((status = 'pending') = (finished_at IS NULL)),
    CONSTRAINT webhook_delivery_dead CHECK ((status = 'dead') = (dead_because IS NOT NULL))
);
CREATE INDEX webhook_delivery_of_endpoint ON webhook_delivery (endpoint_id, event_id);
CREATE INDEX webhook_delivery_by_status ON webhook_delivery (endpoint_id, status, event_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_attempt_at, event_id) WHERE status = 'pending';
CREATE INDEX webhook_delivery_overdue ON webhook_delivery (next_attempt_at) WHERE status = 'pending';

-- One attempt at a delivery, written before it is made. What came of it is NULL where the host ended in the middle of it.
CREATE TABLE webhook_attempt (
    event_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    -- From 1.
    number BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT,
    -- NULL where there was no answer.
    status_code BIGINT,
    -- Why it failed, in words; NULL where it did not.
    error TEXT,
    -- The beginning of the answer's body.
    response_body TEXT,
    PRIMARY KEY (event_id, endpoint_id, number),
    CONSTRAINT webhook_attempt_delivery FOREIGN KEY (event_id, endpoint_id)
        REFERENCES webhook_delivery (event_id, endpoint_id),
    CONSTRAINT webhook_attempt_number CHECK (number >= 1)
);
