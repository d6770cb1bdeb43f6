-- What was deployed, what is active, and what each component was granted.

CREATE TABLE host_artifact (
    sha256 TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    -- Base64, as the one type for bytes that both databases read alike through one driver.
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE host_generation (
    component TEXT NOT NULL,
    number BIGINT NOT NULL,
    version TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('admitted', 'active', 'draining', 'retired', 'rejected', 'failed')),
    reason TEXT,
    deployed_by TEXT NOT NULL,
    deployed_at BIGINT NOT NULL,
    activated_at BIGINT,
    PRIMARY KEY (component, number)
);

-- At most one generation of a component is active.
CREATE UNIQUE INDEX host_generation_active ON host_generation (component) WHERE state = 'active';

CREATE TABLE host_grant (
    component TEXT NOT NULL,
    ask TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (component, ask)
);

CREATE TABLE host_setting (
    component TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (component, name)
);

-- Every activation, by whom and why.
CREATE TABLE host_activation (
    component TEXT NOT NULL,
    number BIGINT NOT NULL,
    activated_at BIGINT NOT NULL,
    activated_by TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE INDEX host_activation_component ON host_activation (component, activated_at);
