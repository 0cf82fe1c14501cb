-- Declared routes of a project: written by a deploy, read by every gateway.

-- The new version; gateways are told.  What is there already stays.
CREATE OR REPLACE FUNCTION mpcloud.routes_set(env text, file text, sites text,
	at bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	INSERT INTO mpcloud.routes AS r (env, version, file, sites, at)
		VALUES ($1, 1, $2::json, $3::json, $4)
		ON CONFLICT ON CONSTRAINT routes_pkey DO UPDATE SET
			version = r.version + (r.file::text <> $2 OR
				r.sites::text <> $3)::int,
			file = excluded.file, sites = excluded.sites,
			at = excluded.at
		RETURNING version INTO n;
	PERFORM pg_notify('mpcloud_routes', $1);
	RETURN n;
END $$;

-- Nothing when `known` is the version; else version, file, sites.
CREATE OR REPLACE FUNCTION mpcloud.routes_get(env text, known bigint)
RETURNS TABLE (version bigint, file text, sites text) LANGUAGE sql STABLE AS $$
	SELECT r.version, r.file::text, r.sites::text FROM mpcloud.routes r
		WHERE r.env = $1 AND r.version <> $2
$$;
