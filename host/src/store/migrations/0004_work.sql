-- Deferred work: events on their way to subscribers, and jobs that wait for their time. On SQLite these tables are used in the
-- components' database, as a component's own transaction adds to them.

-- What a component publishes and subscribes to ('publish', 'subscribe'), and whether it may schedule jobs ('schedule').
-- With a wildcard, the topics below the one that is named.
CREATE TABLE host_topic (
    component TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('publish', 'subscribe', 'schedule')),
    topic TEXT NOT NULL,
    wildcard BIGINT NOT NULL,
    PRIMARY KEY (component, direction, topic, wildcard)
);

CREATE INDEX host_topic_direction ON host_topic (direction, topic);

-- Whose login a role of PostgreSQL is.
CREATE TABLE host_caller (
    role TEXT PRIMARY KEY,
    component TEXT NOT NULL
);

-- One call of a component's export: an event for one subscriber, or one run of a job. It is gone once it is done.
CREATE TABLE host_work (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('event', 'job')),
    -- Whose export is called.
    component TEXT NOT NULL,
    -- The topic, or the job's name.
    name TEXT NOT NULL,
    -- The event's id; the job's key, empty for a run of a schedule.
    key TEXT NOT NULL,
    -- Who published or scheduled it.
    origin TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- A traceparent.
    trace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    scheduled_for BIGINT NOT NULL,
    -- When it may be claimed. A claim moves it to the end of its lease.
    due_at BIGINT NOT NULL,
    -- How often it was claimed.
    attempts BIGINT NOT NULL,
    -- The claim under which it is worked on, and the host.
    claim TEXT,
    holder TEXT,
    last_error TEXT,
    -- Set for a dead letter.
    dead_at BIGINT
);

CREATE UNIQUE INDEX host_work_key ON host_work (kind, component, name, key) WHERE dead_at IS NULL;

CREATE INDEX host_work_due ON host_work (kind, component, due_at) WHERE dead_at IS NULL;

CREATE INDEX host_work_dead ON host_work (kind, dead_at) WHERE dead_at IS NOT NULL;

-- The schedules of active components, and when each is to run next.
CREATE TABLE host_schedule (
    component TEXT NOT NULL,
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    payload TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (component, name)
);
