-- Operators of expressions: from one type into another.

-- A double as JavaScript writes it.
CREATE OR REPLACE FUNCTION mpcloud.float_text(x double precision)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
	IF x = trunc(x) AND abs(x) < 1e21 THEN
		RETURN trunc(x::numeric)::text;
	END IF;
	RETURN x::text;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.date_iso(ms bigint)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
	RETURN to_char(mpcloud.date_at(ms, '"UTC"'), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
END $$;

-- The conversion; NULL when the value cannot be that, `why` says the reason.
CREATE OR REPLACE FUNCTION mpcloud.convert_to_type(v jsonb, target text,
	OUT made jsonb, OUT why text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	kind text := mpcloud.type_of(v);
	f double precision := mpcloud.float_of(v);
	s text := v #>> '{}';
	n numeric;
BEGIN
	IF kind = 'date' THEN
		f := (v -> '$date')::float8;
	END IF;
	CASE target
	WHEN 'bool' THEN
		IF kind = 'bool' THEN made := v;
		ELSIF kind IN ('int', 'long', 'double', 'decimal') THEN
			made := to_jsonb(f <> 0);
		ELSE made := 'true';
		END IF;
	WHEN 'string' THEN
		IF kind = 'string' THEN made := v;
		ELSIF kind = 'bool' OR kind IN ('int', 'long') THEN
			made := to_jsonb(v::text);
		ELSIF kind = 'double' THEN made := to_jsonb(mpcloud.float_text(f));
		ELSIF kind = 'decimal' THEN made := v -> '$numberDecimal';
		ELSIF kind = 'date' THEN
			made := to_jsonb(mpcloud.date_iso((v -> '$date')::bigint));
		ELSIF kind = 'objectId' THEN made := v -> '$oid';
		END IF;
	WHEN 'objectId' THEN
		IF kind = 'objectId' THEN made := v;
		ELSIF kind = 'string' AND s ~ '^[0-9a-fA-F]{24}$' THEN
			made := jsonb_build_object('$oid', lower(s));
		ELSIF kind = 'string' THEN
			why := format('Failed to parse objectId ''%s'' in $convert with '
				'no onError value: Invalid string length for parsing to '
				'OID, expected 24 but found %s', left(s, 100), length(s));
		END IF;
	WHEN 'int', 'long' THEN
		IF kind = 'bool' THEN n := v::boolean::integer;
		ELSIF kind = 'string' THEN
			IF s ~ '^[+-]?[0-9]{1,40}$' THEN n := s::numeric;
			ELSE
				why := format('Failed to parse number ''%s'' in $convert '
					'with no onError value: Did not consume whole '
					'string.', left(s, 100));
			END IF;
		ELSIF kind IN ('int', 'long') THEN n := v::numeric;
		ELSIF kind = 'date' AND target = 'long' THEN n := (v -> '$date')::numeric;
		ELSIF kind IN ('double', 'decimal') THEN
			IF f = 'NaN' THEN
				why := 'Attempt to convert NaN value to integer type in '
					'$convert with no onError value';
			ELSIF abs(f) = 'Infinity' THEN
				why := 'Attempt to convert infinity value to integer type '
					'in $convert with no onError value';
			ELSE n := trunc(f::numeric);
			END IF;
		END IF;
		IF target = 'int' AND n NOT BETWEEN -2147483648 AND 2147483647
				OR n NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
			why := format('Conversion would overflow target type in $convert '
				'with no onError value: %s', left(v::text, 100));
		ELSE
			made := to_jsonb(n);
		END IF;
	WHEN 'double', 'decimal' THEN
		IF kind = 'bool' THEN made := mpcloud.num(v::boolean::integer::float8);
		ELSIF kind = 'string' THEN
			made := mpcloud.num(mpcloud.float_of(
				jsonb_build_object('$numberDecimal', s)));
			IF s !~* '^[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]{1,4})?|inf(inity)?|nan)$' THEN
				made := NULL;
				why := format('Failed to parse number ''%s'' in $convert '
					'with no onError value: Did not consume whole '
					'string.', left(s, 100));
			END IF;
		ELSIF target = 'decimal' AND kind = 'decimal' THEN made := v;
		ELSE made := mpcloud.num(f);
		END IF;
		IF target = 'decimal' AND mpcloud.type_of(made) <> 'decimal' THEN
			made := jsonb_build_object('$numberDecimal', CASE
				WHEN kind = 'string' THEN s
				WHEN mpcloud.is_integer(v) THEN v::text
				WHEN jsonb_typeof(made) = 'number'
					THEN mpcloud.float_text(mpcloud.float_of(made))
				ELSE made ->> '$numberDouble' END);
		END IF;
	WHEN 'date' THEN
		IF kind = 'date' THEN made := v;
		ELSIF kind IN ('long', 'double', 'decimal', 'int') AND abs(f) < 8.64e15 THEN
			made := jsonb_build_object('$date', trunc(f::numeric)::bigint);
		ELSIF kind = 'objectId' THEN
			made := jsonb_build_object('$date', ('x' || lpad(left(
				v ->> '$oid', 8), 16, '0'))::bit(64)::bigint * 1000);
		ELSIF kind = 'timestamp' THEN
			made := jsonb_build_object('$date', coalesce(
				(v #> '{$timestamp,t}')::bigint, 0) * 1000);
		ELSIF kind = 'string' THEN
			n := mpcloud.date_parse(s, '"UTC"');
			IF n IS NULL THEN
				why := format('Error parsing date string ''%s''',
					left(s, 100));
			ELSE
				made := jsonb_build_object('$date', n);
			END IF;
		END IF;
	ELSE
		PERFORM mpcloud.refuse(format('Unknown type name: %s', target));
	END CASE;
	IF made IS NULL AND why IS NULL THEN
		why := format('Unsupported conversion from %s to %s in $convert with no '
			'onError value', kind, target);
	END IF;
END $$;

-- $convert's numbers of types.
CREATE OR REPLACE FUNCTION mpcloud.type_name(v jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	name text := CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' ELSE
		CASE mpcloud.index_of(v) WHEN 1 THEN 'double' WHEN 2 THEN 'string'
		WHEN 7 THEN 'objectId' WHEN 8 THEN 'bool' WHEN 9 THEN 'date'
		WHEN 16 THEN 'int' WHEN 18 THEN 'long' WHEN 19 THEN 'decimal' END END;
BEGIN
	IF name IS NULL THEN
		PERFORM mpcloud.refuse(format('$convert''s ''to'' argument must be a '
			'string or number that names a type, but is %s',
			left(v::text, 100)));
	END IF;
	RETURN name;
END $$;

-- The preset of p_onerror is no value that anybody could store.
CREATE OR REPLACE FUNCTION mpcloud.op_convert(p_input jsonb, p_to jsonb,
	p_onerror jsonb DEFAULT '{"$": null}', p_onnull jsonb DEFAULT 'null')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	c record;
BEGIN
	IF mpcloud.is_null(p_input) THEN
		RETURN p_onnull;
	ELSIF mpcloud.is_null(p_to) THEN
		RETURN 'null';
	END IF;
	c := mpcloud.convert_to_type(p_input, mpcloud.type_name(p_to));
	IF c.made IS NOT NULL THEN
		RETURN c.made;
	ELSIF p_onerror = '{"$": null}' THEN
		RETURN mpcloud.refuse(c.why);
	END IF;
	RETURN p_onerror;
END $$;
