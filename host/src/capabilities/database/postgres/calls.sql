-- Functions of the host's own. Every name is qualified, and the search path fixed: they run with the host's rights.

CREATE SCHEMA IF NOT EXISTS datamp_calls;

CREATE OR REPLACE FUNCTION datamp.now_micros() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint $$;

CREATE OR REPLACE FUNCTION datamp.publish_as(caller text, ids text[], topics text[], payloads text[], trace text)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added bigint;
    at bigint := datamp.now_micros();
BEGIN
    INSERT INTO datamp.host_work AS w
        (id, kind, component, name, key, origin, payload, trace, created_at, scheduled_for, due_at, attempts)
    SELECT e.id || '/' || s.component, 'event', s.component, e.topic, e.id, caller, e.payload, publish_as.trace, at, at, at, 0
    FROM unnest(ids, topics, payloads) AS e (id, topic, payload)
    JOIN datamp.host_topic s ON s.direction = 'subscribe'
        AND ((s.wildcard = 0 AND s.topic = e.topic) OR (s.wildcard = 1 AND starts_with(e.topic, s.topic || '.')))
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END $$;

CREATE OR REPLACE FUNCTION datamp.schedule_as(caller text, ids text[], names text[], keys text[], times bigint[], payloads text[], trace text)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO datamp.host_work AS w
        (id, kind, component, name, key, origin, payload, trace, created_at, scheduled_for, due_at, attempts)
    SELECT j.id, 'job', caller, j.name, j.key, caller, j.payload, schedule_as.trace, datamp.now_micros(), j.at, j.at, 0
    FROM unnest(ids, names, keys, times, payloads) AS j (id, name, key, at, payload)
    -- In this order, so that two that schedule the same don't wait for each other.
    ORDER BY j.name, j.key
    ON CONFLICT (kind, component, name, key) WHERE dead_at IS NULL DO UPDATE SET
        payload = excluded.payload, trace = excluded.trace, created_at = excluded.created_at,
        scheduled_for = excluded.scheduled_for, due_at = excluded.due_at,
        attempts = 0, claim = NULL, holder = NULL, last_error = NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END $$;

CREATE OR REPLACE FUNCTION datamp.cancel_as(caller text, names text[], keys text[])
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM datamp.host_work w
    WHERE w.kind = 'job' AND w.component = caller AND w.dead_at IS NULL
        AND (w.name, w.key) IN (SELECT n, k FROM unnest(names, keys) AS j (n, k));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;

-- Which component called, if it may do this at all.
CREATE OR REPLACE FUNCTION datamp.caller_for(wanted text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text;
BEGIN
    SELECT c.component INTO found FROM datamp.host_caller c
    WHERE c.role = session_user AND EXISTS
        (SELECT 1 FROM datamp.host_topic t WHERE t.component = c.component AND t.direction = wanted);
    IF found IS NULL THEN
        RAISE EXCEPTION 'permission denied to %', wanted USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN found;
END $$;

-- What is refused here was refused by the host before: it is for those who call by themselves.
CREATE OR REPLACE FUNCTION datamp.check_payloads(payloads text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(payloads) > 100 OR EXISTS
        (SELECT 1 FROM unnest(payloads) p WHERE p IS NULL OR octet_length(p) > 262144 OR p::json IS NULL) THEN
        RAISE EXCEPTION 'too many or too long payloads' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION datamp_calls.publish(ids text[], topics text[], payloads text[], trace text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller text := datamp.caller_for('publish');
BEGIN
    PERFORM datamp.check_payloads(payloads);
    IF EXISTS (SELECT 1 FROM unnest(topics) AS p (topic) WHERE p.topic IS NULL OR length(p.topic) > 100
        OR p.topic !~ '^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*){0,7}$' OR NOT EXISTS
        (SELECT 1 FROM datamp.host_topic t WHERE t.component = caller AND t.direction = 'publish'
            AND ((t.wildcard = 0 AND t.topic = p.topic) OR (t.wildcard = 1 AND starts_with(p.topic, t.topic || '.'))))) THEN
        RAISE EXCEPTION 'permission denied for a topic' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN datamp.publish_as(caller, ids, topics, payloads, trace);
END $$;

CREATE OR REPLACE FUNCTION datamp_calls.schedule(ids text[], names text[], keys text[], times bigint[], payloads text[], trace text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller text := datamp.caller_for('schedule');
BEGIN
    PERFORM datamp.check_payloads(payloads);
    IF EXISTS (SELECT 1 FROM unnest(names, keys) AS j (n, k)
        WHERE n IS NULL OR k IS NULL OR length(n) NOT BETWEEN 1 AND 100 OR length(k) NOT BETWEEN 1 AND 200) THEN
        RAISE EXCEPTION 'a name or key is empty or too long' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN datamp.schedule_as(caller, ids, names, keys, times, payloads, trace);
END $$;

CREATE OR REPLACE FUNCTION datamp_calls.cancel(names text[], keys text[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF '' = ANY (keys) THEN
        RAISE EXCEPTION 'a key is empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN datamp.cancel_as(datamp.caller_for('schedule'), names, keys);
END $$;

-- Everyone may execute a new function otherwise.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA datamp, datamp_calls FROM PUBLIC;
