-- What the capabilities keep. Sealed values are base64 text of an AES-256-GCM envelope; times are microseconds since the Unix epoch.

-- Keys that the host makes for components. The newest number signs; older ones verify until they retire.
CREATE TABLE host_key (
    id TEXT PRIMARY KEY,
    component TEXT NOT NULL,
    purpose TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retires_at BIGINT,
    UNIQUE (component, purpose, name, number)
);

-- Secrets of components: set by an operator (generated = 0), or made by the host (1).
CREATE TABLE host_secret (
    component TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    generated BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (component, name)
);

-- The local mailbox: where mail goes while no SMTP server is configured.
CREATE TABLE host_mail (
    id TEXT PRIMARY KEY,
    component TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body_text TEXT NOT NULL,
    body_html TEXT,
    sent_at BIGINT NOT NULL
);

CREATE INDEX host_mail_sent_at ON host_mail (sent_at);

CREATE INDEX host_mail_recipient ON host_mail (recipient, sent_at);
