-- Operators of expressions: dates.  A date is {"$date": ms since 1970, UTC}; a
-- time zone is a text: an Olson name or +hh:mm, +hhmm, +hh.

-- The offset of a zone given as such; NULL: it has a name.
CREATE OR REPLACE FUNCTION mpcloud.zone_offset(zone text)
RETURNS interval LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	m text[] := regexp_match(zone, '^([+-])([0-9]{2}):?([0-9]{2})?$');
BEGIN
	IF m IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN (m[1] || '1')::integer * make_interval(hours => m[2]::integer,
		mins => coalesce(m[3], '0')::integer);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.zone_name(zone jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	name text := zone #>> '{}';
BEGIN
	IF jsonb_typeof(zone) <> 'string' THEN
		PERFORM mpcloud.refuse(format('timezone must evaluate to a string, found %s',
			mpcloud.type_of(zone)));
	ELSIF name !~ '^[+-][0-9]{2}:?([0-9]{2})?$'
			AND name !~ '^[A-Za-z][A-Za-z_]*(/[A-Za-z0-9_+-]+){1,2}$'
			AND name !~ '^(UTC|GMT|Z|UCT|Zulu|Universal|Greenwich|Japan|PRC|ROC|ROK|Hongkong|Singapore|EST|MST|HST|EST5EDT|CST6CDT|MST7MDT|PST8PDT|CET|EET|MET|WET|GB|Eire|Iran|Israel|Turkey|Egypt|Libya|Cuba|Jamaica|Navajo|Poland|Portugal|Iceland|NZ|W-SU|Kwajalein)$' THEN
		PERFORM mpcloud.refuse(format('unrecognized time zone identifier: "%s"',
			left(name, 60)));
	END IF;
	RETURN CASE name WHEN 'Z' THEN 'UTC' ELSE name END;
END $$;

-- What a clock in the zone shows.
CREATE OR REPLACE FUNCTION mpcloud.date_at(ms bigint, zone jsonb)
RETURNS timestamp LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	name text;
	t timestamp;
BEGIN
	IF ms NOT BETWEEN -210863520000000 AND 8640000000000000 THEN
		PERFORM mpcloud.refuse(format('a date is out of range: %s', ms));
	END IF;
	t := timestamp '1970-01-01' + (ms / 86400000) * interval '1 day'
		+ (ms % 86400000) * interval '1 millisecond';
	IF zone = '"UTC"' THEN
		RETURN t;
	END IF;
	name := mpcloud.zone_name(zone);
	RETURN coalesce(t + mpcloud.zone_offset(name),
		t AT TIME ZONE 'UTC' AT TIME ZONE name);
END $$;

-- And back.
CREATE OR REPLACE FUNCTION mpcloud.date_ms(t timestamp, zone jsonb)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	name text := mpcloud.zone_name(zone);
	u timestamp := coalesce(t - mpcloud.zone_offset(name),
		t AT TIME ZONE name AT TIME ZONE 'UTC');
BEGIN
	RETURN floor(extract(epoch FROM u) * 1000);
END $$;

-- The moment that a date, a timestamp or an ObjectId means, in ms.
CREATE OR REPLACE FUNCTION mpcloud.moment(v jsonb)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.type_of(v) = 'date' THEN
		RETURN (v -> '$date')::bigint;
	ELSIF mpcloud.type_of(v) IN ('timestamp', 'objectId') THEN
		RETURN (mpcloud.op_convert(v, '"date"') -> '$date')::bigint;
	END IF;
	PERFORM mpcloud.refuse(format('can''t convert from BSON type %s to Date',
		mpcloud.type_of(v)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_date_part(op text, p_date jsonb,
	p_timezone jsonb DEFAULT '"UTC"')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	t timestamp;
BEGIN
	IF mpcloud.is_null(p_date) OR mpcloud.is_null(p_timezone) THEN
		RETURN 'null';
	END IF;
	t := mpcloud.date_at(mpcloud.moment(p_date), p_timezone);
	RETURN to_jsonb(CASE op
		WHEN '$year' THEN extract(year FROM t)
		WHEN '$month' THEN extract(month FROM t)
		WHEN '$dayOfMonth' THEN extract(day FROM t)
		WHEN '$dayOfWeek' THEN extract(dow FROM t) + 1
		WHEN '$dayOfYear' THEN extract(doy FROM t)
		WHEN '$hour' THEN extract(hour FROM t)
		WHEN '$minute' THEN extract(minute FROM t)
		WHEN '$second' THEN floor(extract(second FROM t))
		WHEN '$millisecond' THEN floor(extract(milliseconds FROM t)) % 1000
		-- weeks begin on Sunday; before the first one is week 0
		WHEN '$week' THEN floor((extract(doy FROM t) + 6
			- extract(dow FROM t)) / 7)
		WHEN '$isoWeek' THEN extract(week FROM t)
		WHEN '$isoWeekYear' THEN extract(isoyear FROM t)
		ELSE extract(isodow FROM t) END::integer);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_date_to_parts(p_date jsonb,
	p_timezone jsonb DEFAULT '"UTC"', p_iso8601 jsonb DEFAULT 'false')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	t timestamp;
	clock jsonb;
BEGIN
	IF mpcloud.is_null(p_date) OR mpcloud.is_null(p_timezone)
			OR mpcloud.is_null(p_iso8601) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(p_iso8601) <> 'boolean' THEN
		RETURN mpcloud.refuse(format('iso8601 must evaluate to a bool, found %s',
			mpcloud.type_of(p_iso8601)));
	END IF;
	t := mpcloud.date_at(mpcloud.moment(p_date), p_timezone);
	clock := jsonb_build_object('hour', extract(hour FROM t)::integer,
		'minute', extract(minute FROM t)::integer,
		'second', floor(extract(second FROM t))::integer,
		'millisecond', floor(extract(milliseconds FROM t))::integer % 1000);
	IF p_iso8601 = 'true' THEN
		RETURN clock || jsonb_build_object(
			'isoWeekYear', extract(isoyear FROM t)::integer,
			'isoWeek', extract(week FROM t)::integer,
			'isoDayOfWeek', extract(isodow FROM t)::integer);
	END IF;
	RETURN clock || jsonb_build_object('year', extract(year FROM t)::integer,
		'month', extract(month FROM t)::integer,
		'day', extract(day FROM t)::integer);
END $$;

-- A part that may be absent; past its range it carries into the next one.
CREATE OR REPLACE FUNCTION mpcloud.date_part_of(name text, v jsonb)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.index_of(v) IS NULL THEN
		PERFORM mpcloud.refuse(format('''%s'' must evaluate to an integer, found '
			'%s with value %s', name, mpcloud.type_of(v),
			left(coalesce(v, 'null')::text, 60)));
	END IF;
	RETURN mpcloud.index_of(v);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_date_from_parts(p_year jsonb DEFAULT '{"$": null}',
	p_month jsonb DEFAULT '1', p_day jsonb DEFAULT '1',
	p_isoweekyear jsonb DEFAULT '{"$": null}', p_isoweek jsonb DEFAULT '1',
	p_isodayofweek jsonb DEFAULT '1', p_hour jsonb DEFAULT '0',
	p_minute jsonb DEFAULT '0', p_second jsonb DEFAULT '0',
	p_millisecond jsonb DEFAULT '0', p_timezone jsonb DEFAULT '"UTC"')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	iso boolean := p_isoweekyear IS NULL OR p_isoweekyear <> '{"$": null}';
	year bigint;
	t timestamp;
BEGIN
	IF EXISTS (SELECT 1 FROM unnest(ARRAY[p_year, p_month, p_day, p_isoweekyear,
			p_isoweek, p_isodayofweek, p_hour, p_minute, p_second,
			p_millisecond, p_timezone]) v WHERE mpcloud.is_null(v)) THEN
		RETURN 'null';
	ELSIF NOT iso AND p_year = '{"$": null}' THEN
		RETURN mpcloud.refuse(
			'$dateFromParts requires either ''year'' or ''isoWeekYear'' to be present');
	END IF;
	year := CASE WHEN iso THEN mpcloud.date_part_of('isoWeekYear', p_isoweekyear)
		ELSE mpcloud.date_part_of('year', p_year) END;
	IF year NOT BETWEEN 1 AND 9999 THEN
		RETURN mpcloud.refuse(format('''%s'' must evaluate to an integer in the '
			'range 1 to 9999, found %s',
			CASE WHEN iso THEN 'isoWeekYear' ELSE 'year' END, year));
	ELSIF iso THEN
		t := date_trunc('week', make_timestamp(year::integer, 1, 4, 0, 0, 0))
			+ (mpcloud.date_part_of('isoWeek', p_isoweek) - 1)
				* interval '7 days'
			+ (mpcloud.date_part_of('isoDayOfWeek', p_isodayofweek) - 1)
				* interval '1 day';
	ELSE
		t := make_timestamp(year::integer, 1, 1, 0, 0, 0)
			+ (mpcloud.date_part_of('month', p_month) - 1) * interval '1 month'
			+ (mpcloud.date_part_of('day', p_day) - 1) * interval '1 day';
	END IF;
	RETURN jsonb_build_object('$date', mpcloud.date_ms(t
		+ mpcloud.date_part_of('hour', p_hour) * interval '1 hour'
		+ mpcloud.date_part_of('minute', p_minute) * interval '1 minute'
		+ mpcloud.date_part_of('second', p_second) * interval '1 second'
		+ mpcloud.date_part_of('millisecond', p_millisecond)
			* interval '1 millisecond', p_timezone));
END $$;

-- ISO 8601 and what is near it: ms, or NULL.  A zone in the text goes before
-- `zone`.
CREATE OR REPLACE FUNCTION mpcloud.date_parse(s text, zone jsonb)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	m text[] := regexp_match(s, '^\s*([0-9]{4})[-/]?([0-9]{2})(?:[-/]?([0-9]{2}))?'
		'(?:[T ]+([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?)?'
		'\s*([Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?\s*$');
	t timestamp;
BEGIN
	IF m IS NULL THEN
		-- Feb 8 2017, 8 February 2017, February 8, 2017 13:45
		m := regexp_match(s, '^\s*([A-Za-z]{3,9})[.]?\s+([0-9]{1,2})(?:st|nd|rd|th)?,?'
			'\s+([0-9]{4})(?:,?\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?\s*$');
		IF m IS NULL THEN
			m := regexp_match(s, '^\s*([0-9]{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})[.]?,?'
				'\s+([0-9]{4})(?:,?\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?\s*$');
			IF m IS NULL THEN
				RETURN NULL;
			END IF;
			m[1:2] := ARRAY[m[2], m[1]];
		END IF;
		m := ARRAY[m[3], (strpos('janfebmaraprmayjunjulaugsepoctnovdec',
			lower(left(m[1], 3))) / 3 + 1)::text, m[2], m[4], m[5], m[6],
			NULL, NULL];
		IF m[2] = '1' AND s !~* 'jan' THEN
			RETURN NULL;
		END IF;
	END IF;
	IF m[1]::integer = 0 OR m[2]::integer NOT BETWEEN 1 AND 12
			OR coalesce(m[4]::integer, 0) > 24 OR coalesce(m[5]::integer, 0) > 59
			OR coalesce(m[6]::integer, 0) > 60
			OR coalesce(m[3]::integer, 1) NOT BETWEEN 1 AND extract(day FROM
			make_date(m[1]::integer, m[2]::integer, 1) + interval '1 month - 1 day')
			THEN
		RETURN NULL;
	END IF;
	t := make_timestamp(m[1]::integer, m[2]::integer, coalesce(m[3]::integer, 1), 0, 0, 0)
		+ coalesce(m[4]::integer, 0) * interval '1 hour'
		+ coalesce(m[5]::integer, 0) * interval '1 minute'
		+ coalesce(m[6]::integer, 0) * interval '1 second'
		+ coalesce(left(rpad(m[7], 3, '0'), 3)::integer, 0)
			* interval '1 millisecond';
	RETURN mpcloud.date_ms(t, CASE WHEN m[8] IS NULL THEN zone
		WHEN m[8] ~ '^[A-Za-z]' THEN '"UTC"' ELSE to_jsonb(m[8]) END);
END $$;

-- By a format of $dateToString's: NULL when the text is not of it.
CREATE OR REPLACE FUNCTION mpcloud.date_parse_as(s text, form text, zone jsonb)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	f text;
	pattern text := '^';
	names text[] := '{}';
	m text[];
	p jsonb := '{}';
BEGIN
	FOREACH f IN ARRAY ARRAY(SELECT x[1] FROM regexp_matches(form, '%.|[^%]|%$', 'g') x) LOOP
		IF f IN ('%Y', '%G') THEN pattern := pattern || '([0-9]{4})';
		ELSIF f IN ('%m', '%d', '%H', '%M', '%S', '%V') THEN
			pattern := pattern || '([0-9]{1,2})';
		ELSIF f = '%L' OR f = '%j' THEN pattern := pattern || '([0-9]{1,3})';
		ELSIF f = '%u' THEN pattern := pattern || '([1-7])';
		ELSIF f = '%b' OR f = '%B' THEN pattern := pattern || '([A-Za-z]{3,9})';
		ELSIF f = '%z' THEN pattern := pattern || '([Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})';
		ELSIF f = '%Z' THEN pattern := pattern || '([+-]?[0-9]{1,4})';
		ELSIF f = '%%' THEN
			pattern := pattern || '%';
			CONTINUE;
		ELSIF left(f, 1) = '%' THEN
			PERFORM mpcloud.refuse(format('Invalid format character ''%s'' in '
				'format string', f));
		ELSE
			pattern := pattern || regexp_replace(f, '([\\^$.|?*+()\[\]{}])', '\\\1');
			CONTINUE;
		END IF;
		names := names || f;
	END LOOP;
	m := regexp_match(s, pattern || '$');
	IF m IS NULL THEN
		RETURN NULL;
	END IF;
	FOR i IN 1 .. cardinality(names) LOOP
		p := p || jsonb_build_object(names[i], m[i]);
	END LOOP;
	IF p ? '%z' THEN
		zone := CASE WHEN p ->> '%z' ~ '^[A-Za-z]' THEN '"UTC"' ELSE p -> '%z' END;
	ELSIF p ? '%Z' THEN
		zone := to_jsonb(to_char((p ->> '%Z')::integer / 60, 'SG00')
			|| to_char(abs((p ->> '%Z')::integer) % 60, 'FM00'));
	END IF;
	IF p ?| '{%b,%B}' THEN
		p := p || jsonb_build_object('%m', strpos(
			'janfebmaraprmayjunjulaugsepoctnovdec',
			lower(left(coalesce(p ->> '%b', p ->> '%B'), 3))) / 3 + 1);
	END IF;
	RETURN (SELECT (CASE WHEN p ? '%G' THEN
		mpcloud.op_date_from_parts(p_isoweekyear => to_jsonb((p ->> '%G')::integer),
			p_isoweek => to_jsonb(coalesce((p ->> '%V')::integer, 1)),
			p_isodayofweek => to_jsonb(coalesce((p ->> '%u')::integer, 1)),
			p_hour => h, p_minute => mi, p_second => se, p_millisecond => ms,
			p_timezone => zone)
		WHEN p ? '%Y' AND coalesce((p ->> '%m')::integer, 1) BETWEEN 1 AND 12
			AND coalesce((p ->> '%d')::integer, 1) BETWEEN 1 AND 31 THEN
		mpcloud.op_date_from_parts(p_year => to_jsonb((p ->> '%Y')::integer),
			p_month => to_jsonb(coalesce((p ->> '%m')::integer, 1)),
			p_day => to_jsonb(coalesce((p ->> '%j')::integer,
				(p ->> '%d')::integer, 1)),
			p_hour => h, p_minute => mi, p_second => se, p_millisecond => ms,
			p_timezone => zone)
		END -> '$date')::bigint
		FROM (SELECT to_jsonb(coalesce((p ->> '%H')::integer, 0)) AS h,
			to_jsonb(coalesce((p ->> '%M')::integer, 0)) AS mi,
			to_jsonb(coalesce((p ->> '%S')::integer, 0)) AS se,
			to_jsonb(coalesce(rpad(p ->> '%L', 3, '0')::integer, 0)) AS ms) x);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_date_from_string(p_datestring jsonb,
	p_format jsonb DEFAULT '{"$": null}', p_timezone jsonb DEFAULT '"UTC"',
	p_onerror jsonb DEFAULT '{"$": null}', p_onnull jsonb DEFAULT 'null')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	ms bigint;
BEGIN
	IF mpcloud.is_null(p_datestring) THEN
		RETURN p_onnull;
	ELSIF mpcloud.is_null(p_format) OR mpcloud.is_null(p_timezone) THEN
		RETURN 'null';
	ELSIF p_format <> '{"$": null}' AND jsonb_typeof(p_format) <> 'string' THEN
		RETURN mpcloud.refuse(format('$dateFromString requires that ''format'' be '
			'a string, found: %s with value %s', mpcloud.type_of(p_format),
			left(p_format::text, 60)));
	ELSIF jsonb_typeof(p_datestring) = 'string' THEN
		ms := CASE WHEN p_format = '{"$": null}'
			THEN mpcloud.date_parse(p_datestring #>> '{}', p_timezone)
			ELSE mpcloud.date_parse_as(p_datestring #>> '{}',
				p_format #>> '{}', p_timezone) END;
	END IF;
	IF ms IS NOT NULL THEN
		RETURN jsonb_build_object('$date', ms);
	ELSIF p_onerror IS NULL OR p_onerror <> '{"$": null}' THEN
		RETURN p_onerror;
	ELSIF jsonb_typeof(p_datestring) <> 'string' THEN
		RETURN mpcloud.refuse(format('$dateFromString requires that ''dateString'' '
			'be a string, found: %s with value %s', mpcloud.type_of(p_datestring),
			left(p_datestring::text, 60)));
	END IF;
	RETURN mpcloud.refuse(format('Error parsing date string ''%s''',
		left(p_datestring #>> '{}', 100)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.date_word(f text, t timestamp, off interval)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	minutes integer := extract(epoch FROM off) / 60;
BEGIN
	CASE f
	WHEN '%Y' THEN RETURN to_char(t, 'YYYY');
	WHEN '%m' THEN RETURN to_char(t, 'MM');
	WHEN '%d' THEN RETURN to_char(t, 'DD');
	WHEN '%H' THEN RETURN to_char(t, 'HH24');
	WHEN '%M' THEN RETURN to_char(t, 'MI');
	WHEN '%S' THEN RETURN to_char(t, 'SS');
	WHEN '%L' THEN RETURN to_char(t, 'MS');
	WHEN '%j' THEN RETURN to_char(t, 'DDD');
	WHEN '%w' THEN RETURN (extract(dow FROM t) + 1)::text;
	WHEN '%u' THEN RETURN extract(isodow FROM t)::text;
	WHEN '%U' THEN RETURN lpad(floor((extract(doy FROM t) + 6
		- extract(dow FROM t)) / 7)::text, 2, '0');
	WHEN '%V' THEN RETURN to_char(t, 'IW');
	WHEN '%G' THEN RETURN to_char(t, 'IYYY');
	WHEN '%b' THEN RETURN to_char(t, 'Mon');
	WHEN '%B' THEN RETURN to_char(t, 'FMMonth');
	WHEN '%z' THEN RETURN CASE WHEN minutes < 0 THEN '-' ELSE '+' END
		|| to_char(abs(minutes) / 60, 'FM00') || to_char(abs(minutes) % 60, 'FM00');
	WHEN '%Z' THEN RETURN CASE WHEN minutes < 0 THEN '-' ELSE '+' END
		|| to_char(abs(minutes), 'FM000');
	WHEN '%%' THEN RETURN '%';
	ELSE
		IF left(f, 1) = '%' THEN
			PERFORM mpcloud.refuse(format('Invalid format character ''%s'' in '
				'format string', f));
		END IF;
		RETURN f;
	END CASE;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_date_to_string(p_date jsonb,
	p_format jsonb DEFAULT '"%Y-%m-%dT%H:%M:%S.%LZ"', p_timezone jsonb DEFAULT '"UTC"',
	p_onnull jsonb DEFAULT 'null')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	ms bigint;
	t timestamp;
BEGIN
	IF mpcloud.is_null(p_date) THEN
		RETURN p_onnull;
	ELSIF mpcloud.is_null(p_format) OR mpcloud.is_null(p_timezone) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(p_format) <> 'string' THEN
		RETURN mpcloud.refuse(format('$dateToString requires that ''format'' be a '
			'string, found: %s with value %s', mpcloud.type_of(p_format),
			left(p_format::text, 60)));
	END IF;
	ms := mpcloud.moment(p_date);
	t := mpcloud.date_at(ms, p_timezone);
	-- the commonest without a loop: no letters but those of places
	IF p_format = '"%Y-%m-%d"' THEN
		RETURN to_jsonb(to_char(t, 'YYYY-MM-DD'));
	ELSIF regexp_replace(p_format #>> '{}', '%[YmdHMSL]', '', 'g')
			!~ '[A-Za-z"%\\]' THEN
		RETURN to_jsonb(to_char(t, replace(replace(replace(replace(
			replace(replace(replace(p_format #>> '{}', '%Y', 'YYYY'),
			'%m', 'MM'), '%d', 'DD'), '%H', 'HH24'), '%M', 'MI'),
			'%S', 'SS'), '%L', 'MS')));
	END IF;
	RETURN to_jsonb(coalesce((SELECT string_agg(mpcloud.date_word(x.f[1], t,
			t - mpcloud.date_at(ms, '"UTC"')), '' ORDER BY x.n)
		FROM regexp_matches(p_format #>> '{}', '%.|[^%]+|%$', 'g')
			WITH ORDINALITY x(f, n)), ''));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.date_unit(unit jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(unit) IS DISTINCT FROM 'string' OR unit #>> '{}' NOT IN
			('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute',
			'second', 'millisecond') THEN
		PERFORM mpcloud.refuse(format('unknown time unit value: %s',
			left(coalesce(unit, 'null')::text, 60)));
	END IF;
	RETURN unit #>> '{}';
END $$;

-- $dateAdd, $dateSubtract: days and more by the zone's calendar, less by time.
CREATE OR REPLACE FUNCTION mpcloud.op_date_add(sign integer, p_startdate jsonb,
	p_unit jsonb, p_amount jsonb, p_timezone jsonb DEFAULT '"UTC"')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	unit text;
	n bigint;
	ms bigint;
BEGIN
	IF mpcloud.is_null(p_startdate) OR mpcloud.is_null(p_unit)
			OR mpcloud.is_null(p_amount) OR mpcloud.is_null(p_timezone) THEN
		RETURN 'null';
	END IF;
	unit := mpcloud.date_unit(p_unit);
	IF jsonb_typeof(p_amount) <> 'number' OR p_amount::numeric <> trunc(p_amount::numeric)
			OR abs(p_amount::numeric) > 1e15 THEN
		RETURN mpcloud.refuse('$dateAdd expects integer amount of time units');
	END IF;
	n := sign * p_amount::numeric;
	ms := mpcloud.moment(p_startdate);
	IF unit IN ('hour', 'minute', 'second', 'millisecond') THEN
		ms := ms + n * CASE unit WHEN 'hour' THEN 3600000
			WHEN 'minute' THEN 60000 WHEN 'second' THEN 1000 ELSE 1 END;
		RETURN jsonb_build_object('$date', ms);
	ELSIF abs(n) > 1000000 THEN
		RETURN mpcloud.refuse('invalid $dateAdd ''amount'' parameter value: '
			|| n || ' ' || unit);
	END IF;
	RETURN jsonb_build_object('$date', mpcloud.date_ms(
		mpcloud.date_at(ms, p_timezone) + n * CASE unit
		WHEN 'quarter' THEN interval '3 months'
		ELSE ('1 ' || unit)::interval END, p_timezone));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.week_start(v jsonb)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	n integer := strpos('montuewedthufrisatsun', lower(left(v #>> '{}', 3)));
BEGIN
	IF jsonb_typeof(v) IS DISTINCT FROM 'string' OR n % 3 <> 1
			OR lower(v #>> '{}') !~ '^(mon(day)?|tue(sday)?|wed(nesday)?|thu(rsday)?|fri(day)?|sat(urday)?|sun(day)?)$' THEN
		PERFORM mpcloud.refuse(format(
			'unknown day of week value: %s', left(coalesce(v, 'null')::text, 60)));
	END IF;
	RETURN n / 3 + 1;
END $$;

-- How many units' borders lie between.
CREATE OR REPLACE FUNCTION mpcloud.op_date_diff(p_startdate jsonb, p_enddate jsonb,
	p_unit jsonb, p_timezone jsonb DEFAULT '"UTC"', p_startofweek jsonb DEFAULT '"sunday"')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	unit text;
	a timestamp;
	b timestamp;
	days bigint;
	first integer;
BEGIN
	IF mpcloud.is_null(p_startdate) OR mpcloud.is_null(p_enddate)
			OR mpcloud.is_null(p_unit) OR mpcloud.is_null(p_timezone) THEN
		RETURN 'null';
	END IF;
	unit := mpcloud.date_unit(p_unit);
	IF unit = 'millisecond' THEN
		RETURN to_jsonb(mpcloud.moment(p_enddate) - mpcloud.moment(p_startdate));
	END IF;
	a := mpcloud.date_at(mpcloud.moment(p_startdate), p_timezone);
	b := mpcloud.date_at(mpcloud.moment(p_enddate), p_timezone);
	days := extract(epoch FROM date_trunc('day', b) - date_trunc('day', a)) / 86400;
	CASE unit
	WHEN 'year' THEN
		RETURN to_jsonb((extract(year FROM b) - extract(year FROM a))::bigint);
	WHEN 'quarter' THEN
		RETURN to_jsonb((4 * (extract(year FROM b) - extract(year FROM a))
			+ extract(quarter FROM b) - extract(quarter FROM a))::bigint);
	WHEN 'month' THEN
		RETURN to_jsonb((12 * (extract(year FROM b) - extract(year FROM a))
			+ extract(month FROM b) - extract(month FROM a))::bigint);
	WHEN 'week' THEN
		first := mpcloud.week_start(p_startofweek);
		RETURN to_jsonb((days
			+ (extract(isodow FROM a)::integer - first + 7) % 7
			- (extract(isodow FROM b)::integer - first + 7) % 7) / 7);
	WHEN 'day' THEN RETURN to_jsonb(days);
	ELSE
		RETURN to_jsonb((extract(epoch FROM date_trunc(unit, b)
			- date_trunc(unit, a)) / CASE unit WHEN 'hour' THEN 3600
			WHEN 'minute' THEN 60 ELSE 1 END)::bigint);
	END CASE;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.floor_to(n bigint, size bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT floor(n::numeric / size)::bigint * size
$$;

-- Bins are counted from 2000-01-01, weeks from the first such day of 2000.
CREATE OR REPLACE FUNCTION mpcloud.op_date_trunc(p_date jsonb, p_unit jsonb,
	p_binsize jsonb DEFAULT '1', p_timezone jsonb DEFAULT '"UTC"',
	p_startofweek jsonb DEFAULT '"sunday"')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	origin timestamp := timestamp '2000-01-01';
	unit text;
	size bigint := mpcloud.index_of(p_binsize);
	t timestamp;
	n bigint;
	unit_ms bigint;
BEGIN
	IF mpcloud.is_null(p_date) OR mpcloud.is_null(p_unit)
			OR mpcloud.is_null(p_binsize) OR mpcloud.is_null(p_timezone) THEN
		RETURN 'null';
	END IF;
	unit := mpcloud.date_unit(p_unit);
	IF coalesce(size, 0) < 1 THEN
		RETURN mpcloud.refuse(format('$dateTrunc requires ''binSize'' to be a 64-bit '
			'integer greater than 0, but got value ''%s''', p_binsize));
	END IF;
	t := mpcloud.date_at(mpcloud.moment(p_date), p_timezone);
	IF unit IN ('year', 'quarter', 'month') THEN
		size := size * CASE unit WHEN 'year' THEN 12 WHEN 'quarter' THEN 3 ELSE 1 END;
		n := (extract(year FROM t) - 2000) * 12 + extract(month FROM t) - 1;
		t := origin + mpcloud.floor_to(n, size) * interval '1 month';
	ELSIF unit IN ('week', 'day') THEN
		IF unit = 'week' THEN
			size := size * 7;
			origin := origin + ((mpcloud.week_start(p_startofweek) + 1) % 7)
				* interval '1 day'; -- 2000-01-01 was a Saturday
		END IF;
		n := floor(extract(epoch FROM t - origin) / 86400);
		t := origin + mpcloud.floor_to(n, size) * interval '1 day';
	ELSE
		unit_ms := CASE unit WHEN 'hour' THEN 3600000 WHEN 'minute' THEN 60000
			WHEN 'second' THEN 1000 ELSE 1 END;
		n := mpcloud.date_ms(origin, p_timezone);
		RETURN jsonb_build_object('$date', n + mpcloud.floor_to(
			mpcloud.moment(p_date) - n, size * unit_ms));
	END IF;
	RETURN jsonb_build_object('$date', mpcloud.date_ms(t, p_timezone));
END $$;
