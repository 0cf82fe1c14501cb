-- Places and shapes, by PostGIS on the sphere.  Its types are named only inside
-- the bodies of plpgsql functions, which PostgreSQL reads when they first run:
-- so all of this stands also in a database without the extension.

-- Asked once by each statement that needs PostGIS.
CREATE OR REPLACE FUNCTION mpcloud.geo_ready()
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF to_regtype('geography') IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'MP400', MESSAGE = format(
			'geo queries on a sphere need PostGIS: install the Debian'
			' package postgresql-%s-postgis-3, then CREATE EXTENSION'
			' postgis in the database %s',
			current_setting('server_version_num')::integer / 10000,
			current_database());
	END IF;
	RETURN true;
END $$;

-- A list of two or three numbers, in the range of longitude and latitude.
CREATE OR REPLACE FUNCTION mpcloud.geo_is_position(c jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(c) = 'array' AND jsonb_typeof(c -> 0) = 'number'
			AND jsonb_typeof(c -> 1) = 'number' THEN
		RETURN jsonb_array_length(c) <= 3
			AND (c -> 0)::numeric BETWEEN -180 AND 180
			AND (c -> 1)::numeric BETWEEN -90 AND 90
			AND coalesce(jsonb_typeof(c -> 2), 'number') = 'number';
	END IF;
	RETURN false;
END $$;

-- Lists of positions, `deep` lists around them; at the lowest `few` or more,
-- and when `closed` the last the same as the first.
CREATE OR REPLACE FUNCTION mpcloud.geo_is_list(c jsonb, deep integer,
	few integer, closed boolean)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF deep = 0 THEN
		RETURN mpcloud.geo_is_position(c);
	ELSIF jsonb_typeof(c) IS DISTINCT FROM 'array' OR c = '[]' THEN
		RETURN false;
	ELSIF deep = 1 AND (jsonb_array_length(c) < few
			OR (closed AND c -> 0 <> c -> -1)) THEN
		RETURN false;
	END IF;
	RETURN (SELECT bool_and(mpcloud.geo_is_list(e, deep - 1, few, closed))
		FROM jsonb_array_elements(c) e);
END $$;

-- GeoJSON that PostGIS will take.
CREATE OR REPLACE FUNCTION mpcloud.geo_is_shape(v jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	c jsonb := v -> 'coordinates';
BEGIN
	CASE v ->> 'type'
	WHEN 'Point' THEN RETURN mpcloud.geo_is_position(c);
	WHEN 'MultiPoint' THEN RETURN mpcloud.geo_is_list(c, 1, 1, false);
	WHEN 'LineString' THEN RETURN mpcloud.geo_is_list(c, 1, 2, false);
	WHEN 'MultiLineString' THEN RETURN mpcloud.geo_is_list(c, 2, 2, false);
	WHEN 'Polygon' THEN RETURN mpcloud.geo_is_list(c, 2, 4, true);
	WHEN 'MultiPolygon' THEN RETURN mpcloud.geo_is_list(c, 3, 4, true);
	WHEN 'GeometryCollection' THEN
		IF jsonb_typeof(v -> 'geometries') IS DISTINCT FROM 'array' THEN
			RETURN false;
		END IF;
		RETURN coalesce((SELECT bool_and(mpcloud.geo_is_shape(g))
			FROM jsonb_array_elements(v -> 'geometries') g), false);
	ELSE RETURN false;
	END CASE;
END $$;

-- A value as GeoJSON: a shape, [longitude, latitude] or an object of two such
-- numbers; NULL when it is none.
CREATE OR REPLACE FUNCTION mpcloud.geo_shape(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	pair jsonb := v;
BEGIN
	IF jsonb_typeof(v) = 'object' THEN
		IF v ? 'type' THEN
			RETURN CASE WHEN mpcloud.geo_is_shape(v) THEN
				jsonb_strip_nulls(jsonb_build_object(
					'type', v -> 'type',
					'coordinates', v -> 'coordinates',
					'geometries', v -> 'geometries')) END;
		END IF;
		pair := jsonb_build_array(coalesce(v -> 'lng', v -> 'longitude',
				v -> 'x', v -> 'lon'),
			coalesce(v -> 'lat', v -> 'latitude', v -> 'y'));
	END IF;
	IF mpcloud.geo_is_position(pair) THEN
		RETURN jsonb_build_object('type', 'Point', 'coordinates', pair);
	END IF;
	RETURN NULL;
END $$;

-- All shapes that a path leads to.  [longitude, latitude] is one, not two
-- numbers.
CREATE OR REPLACE FUNCTION mpcloud.geo_shapes(v jsonb, path text[])
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN ARRAY(SELECT s FROM unnest(mpcloud.tried(v, path)) t,
		mpcloud.geo_shape(t) s WHERE s IS NOT NULL);
END $$;

-- What PostGIS does with two shapes.  Of a document's shape that it cannot use
-- (an edge between opposite points of the globe, say) nothing is true: no
-- document makes a condition fail.  A block that catches errors cannot run in
-- parallel, and so none of what stands on these can.
CREATE OR REPLACE FUNCTION mpcloud.geo_metres(s jsonb, goal jsonb)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ST_Distance(ST_GeomFromGeoJSON(s::text)::geography,
		ST_GeomFromGeoJSON(goal::text)::geography, false);
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.geo_in(s jsonb, goal jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ST_Covers(ST_GeomFromGeoJSON(goal::text)::geography,
		ST_GeomFromGeoJSON(s::text)::geography);
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.geo_meets(s jsonb, goal jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ST_Intersects(ST_GeomFromGeoJSON(s::text)::geography,
		ST_GeomFromGeoJSON(goal::text)::geography);
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;

-- Metres on MongoDB's sphere between a point and the nearest of what the path
-- leads to; NULL when there is none.
CREATE OR REPLACE FUNCTION mpcloud.geo_distance(v jsonb, path text[], at jsonb)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
	SELECT min(mpcloud.geo_metres(s, at)) * (6378100 / 6371008.771415059)
		FROM unnest(mpcloud.geo_shapes(v, path)) s
$$;

CREATE OR REPLACE FUNCTION mpcloud.geo_near(v jsonb, path text[], goal jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(mpcloud.geo_distance(v, path, goal -> 'at') BETWEEN
		(goal -> 'min')::float8 AND (goal -> 'max')::float8, false)
$$;

-- The plane: what a point's two numbers are.
CREATE OR REPLACE FUNCTION mpcloud.geo_flat(s jsonb, goal jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x float8 := (s #> '{coordinates,0}')::float8;
	y float8 := (s #> '{coordinates,1}')::float8;
BEGIN
	CASE goal ->> 'kind'
	WHEN 'box' THEN
		RETURN x BETWEEN (goal #> '{low,0}')::float8
				AND (goal #> '{high,0}')::float8
			AND y BETWEEN (goal #> '{low,1}')::float8
				AND (goal #> '{high,1}')::float8;
	WHEN 'circle' THEN
		RETURN sqrt((x - (goal #> '{at,0}')::float8) ^ 2
			+ (y - (goal #> '{at,1}')::float8) ^ 2)
			<= (goal -> 'radius')::float8;
	ELSE
		RETURN point(x, y) <@ (SELECT polygon('(' || string_agg(format(
				'(%s,%s)', p.c ->> 0, p.c ->> 1), ',' ORDER BY p.n)
				|| ')')
			FROM jsonb_array_elements(goal -> 'points')
				WITH ORDINALITY p(c, n));
	END CASE;
END $$;

-- Of what the path leads to one shape lies in what is asked for.
CREATE OR REPLACE FUNCTION mpcloud.geo_within(v jsonb, path text[], goal jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	s jsonb;
BEGIN
	FOREACH s IN ARRAY mpcloud.geo_shapes(v, path) LOOP
		IF (CASE goal ->> 'kind'
			WHEN 'sphere' THEN mpcloud.geo_metres(s, goal -> 'at')
				/ 6371008.771415059 <= (goal -> 'radius')::float8
			WHEN 'geometry' THEN mpcloud.geo_in(s, goal -> 'shape')
			ELSE s ->> 'type' = 'Point' AND mpcloud.geo_flat(s, goal)
			END) THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.geo_intersects(v jsonb, path text[],
	goal jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(bool_or(mpcloud.geo_meets(s, goal -> 'shape')), false)
		FROM unnest(mpcloud.geo_shapes(v, path)) s
$$;
