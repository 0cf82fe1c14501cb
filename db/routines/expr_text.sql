-- Operators of expressions: texts.

-- What a number, a date or a text is as a text; null is the empty one.
CREATE OR REPLACE FUNCTION mpcloud.text_of(v jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN '';
	ELSIF jsonb_typeof(v) = 'string' THEN
		RETURN v #>> '{}';
	ELSIF mpcloud.float_of(v) IS NOT NULL OR v ? '$date' THEN
		RETURN mpcloud.op_convert(v, '"string"') #>> '{}';
	END IF;
	PERFORM mpcloud.refuse(format('can''t convert from BSON type %s to String',
		mpcloud.type_of(v)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_concat(list jsonb[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb;
	all_of text := '';
BEGIN
	FOREACH v IN ARRAY list LOOP
		IF mpcloud.is_null(v) THEN
			RETURN 'null';
		ELSIF jsonb_typeof(v) <> 'string' THEN
			RETURN mpcloud.refuse(format('$concat only supports strings, not %s',
				mpcloud.type_of(v)));
		END IF;
		all_of := all_of || (v #>> '{}');
	END LOOP;
	RETURN to_jsonb(all_of);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_index_of_cp(v jsonb, x jsonb,
	low jsonb DEFAULT NULL, high jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	s text := v #>> '{}';
	r int4range;
	n integer;
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'string' OR jsonb_typeof(x) IS DISTINCT FROM 'string' THEN
		RETURN mpcloud.refuse(format(
			'$indexOfCP requires a string as the %s argument, found: %s',
			CASE jsonb_typeof(v) WHEN 'string' THEN 'second' ELSE 'first' END,
			mpcloud.type_of(CASE jsonb_typeof(v) WHEN 'string' THEN x ELSE v END)));
	END IF;
	r := mpcloud.search_range('$indexOfCP', low, high, length(s));
	IF r IS NULL THEN
		RETURN '-1';
	ELSIF isempty(r) THEN
		RETURN to_jsonb(CASE WHEN x = '""'
			THEN coalesce(mpcloud.index_of(low), 0) ELSE -1 END);
	END IF;
	n := strpos(substr(s, lower(r) + 1, upper(r) - lower(r)), x #>> '{}');
	RETURN to_jsonb(CASE n WHEN 0 THEN -1 ELSE n - 1 + lower(r) END);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_index_of_bytes(v jsonb, x jsonb,
	low jsonb DEFAULT NULL, high jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	s bytea;
	r int4range;
	n integer;
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'string' OR jsonb_typeof(x) IS DISTINCT FROM 'string' THEN
		RETURN mpcloud.refuse(format(
			'$indexOfBytes requires a string as the %s argument, found: %s',
			CASE jsonb_typeof(v) WHEN 'string' THEN 'second' ELSE 'first' END,
			mpcloud.type_of(CASE jsonb_typeof(v) WHEN 'string' THEN x ELSE v END)));
	END IF;
	s := convert_to(v #>> '{}', 'UTF8');
	r := mpcloud.search_range('$indexOfBytes', low, high, octet_length(s));
	IF r IS NULL THEN
		RETURN '-1';
	ELSIF isempty(r) THEN
		RETURN to_jsonb(CASE WHEN x = '""'
			THEN coalesce(mpcloud.index_of(low), 0) ELSE -1 END);
	END IF;
	n := position(convert_to(x #>> '{}', 'UTF8')
		IN substr(s, lower(r) + 1, upper(r) - lower(r)));
	RETURN to_jsonb(CASE n WHEN 0 THEN -1 ELSE n - 1 + lower(r) END);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_split(v jsonb, by jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(v) OR mpcloud.is_null(by) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'string' OR jsonb_typeof(by) <> 'string' THEN
		RETURN mpcloud.refuse(format('$split requires an expression that evaluates '
			'to a string as a %s argument, found: %s',
			CASE jsonb_typeof(v) WHEN 'string' THEN 'second' ELSE 'first' END,
			mpcloud.type_of(CASE jsonb_typeof(v) WHEN 'string' THEN by ELSE v END)));
	ELSIF by = '""' THEN
		RETURN mpcloud.refuse('$split requires a non-empty separator');
	ELSIF v = '""' THEN
		RETURN '[""]';
	END IF;
	RETURN to_jsonb(string_to_array(v #>> '{}', by #>> '{}'));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_str_len(op text, v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) IS DISTINCT FROM 'string' THEN
		RETURN mpcloud.refuse(format('%s requires a string argument, found: %s', op,
			mpcloud.type_of(v)));
	END IF;
	RETURN to_jsonb(CASE op WHEN '$strLenCP' THEN length(v #>> '{}')
		ELSE octet_length(v #>> '{}') END);
END $$;

-- ASCII letters only change their case, as MongoDB's do.
CREATE OR REPLACE FUNCTION mpcloud.op_case(op text, v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN to_jsonb(CASE op WHEN '$toLower'
		THEN lower(mpcloud.text_of(v) COLLATE "C")
		ELSE upper(mpcloud.text_of(v) COLLATE "C") END);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_strcasecmp(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x text := upper(mpcloud.text_of(a) COLLATE "C");
	y text := upper(mpcloud.text_of(b) COLLATE "C");
BEGIN
	RETURN to_jsonb((x > y COLLATE "C")::integer - (x < y COLLATE "C")::integer);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_substr_cp(v jsonb, start jsonb, many jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a integer := mpcloud.index_of(start);
	n integer := mpcloud.index_of(many);
BEGIN
	IF a IS NULL THEN
		RETURN mpcloud.refuse(format('$substrCP: starting index must be a 32-bit '
			'integer (is BSON type %s)', mpcloud.type_of(start)));
	ELSIF n IS NULL THEN
		RETURN mpcloud.refuse(format('$substrCP: length must be a 32-bit integer '
			'(is BSON type %s)', mpcloud.type_of(many)));
	ELSIF a < 0 THEN
		RETURN mpcloud.refuse('$substrCP: the starting index must be nonnegative '
			'integer.');
	ELSIF n < 0 THEN
		RETURN mpcloud.refuse('$substrCP: length must be a nonnegative integer.');
	ELSIF a = 2147483647 THEN
		RETURN '""';
	END IF;
	RETURN to_jsonb(substr(mpcloud.text_of(v), a + 1, least(n, 2147483646 - a)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_substr_bytes(op text, v jsonb, start jsonb, many jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a integer := mpcloud.index_of(start);
	n integer := mpcloud.index_of(many);
	s bytea;
BEGIN
	IF a IS NULL THEN
		RETURN mpcloud.refuse(format('%s:  starting index must be numeric (is BSON '
			'type %s)', op, mpcloud.type_of(start)));
	ELSIF n IS NULL THEN
		RETURN mpcloud.refuse(format('%s:  length must be numeric (is BSON type %s)',
			op, mpcloud.type_of(many)));
	ELSIF a < 0 THEN
		RETURN mpcloud.refuse(format(
			'%s:  starting index must be non-negative (got: %s)', op, a));
	END IF;
	s := convert_to(mpcloud.text_of(v), 'UTF8');
	IF a >= octet_length(s) THEN
		RETURN '""';
	ELSIF n < 0 OR n > octet_length(s) - a THEN
		n := octet_length(s) - a;
	END IF;
	IF get_byte(s, a) BETWEEN 128 AND 191 THEN
		RETURN mpcloud.refuse(format('%s:  Invalid range, starting index is a UTF-8 '
			'continuation byte.', op));
	ELSIF a + n < octet_length(s) AND get_byte(s, a + n) BETWEEN 128 AND 191 THEN
		RETURN mpcloud.refuse(format('%s:  Invalid range, ending index is in the '
			'middle of a UTF-8 character.', op));
	END IF;
	RETURN to_jsonb(convert_from(substr(s, a + 1, n), 'UTF8'));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_trim(op text, p_input jsonb, p_chars jsonb DEFAULT '0')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	-- MongoDB's white space
	chars text := U&'\0009\000a\000b\000c\000d\0020\00a0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200a';
	s text := p_input #>> '{}';
BEGIN
	IF mpcloud.is_null(p_input) OR mpcloud.is_null(p_chars) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(p_input) <> 'string' THEN
		RETURN mpcloud.refuse(format('%s requires its input to be a string, got %s '
			'(of type %s) instead.', op, left(p_input::text, 100),
			mpcloud.type_of(p_input)));
	ELSIF jsonb_typeof(p_chars) = 'string' THEN
		chars := p_chars #>> '{}';
	ELSIF p_chars <> '0' THEN
		RETURN mpcloud.refuse(format('%s requires ''chars'' to be a string, got %s '
			'(of type %s) instead.', op, left(p_chars::text, 100),
			mpcloud.type_of(p_chars)));
	END IF;
	RETURN to_jsonb(CASE op WHEN '$trim' THEN btrim(s, chars)
		WHEN '$ltrim' THEN ltrim(s, chars) ELSE rtrim(s, chars) END);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_replace(op text, p_input jsonb, p_find jsonb,
	p_replacement jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	s text := p_input #>> '{}';
	x text := p_find #>> '{}';
	n integer;
BEGIN
	IF NOT mpcloud.is_null(p_input) AND jsonb_typeof(p_input) <> 'string' THEN
		RETURN mpcloud.refuse(format('%s requires that ''input'' be a string, '
			'found: %s', op, left(p_input::text, 100)));
	ELSIF NOT mpcloud.is_null(p_find) AND jsonb_typeof(p_find) <> 'string' THEN
		RETURN mpcloud.refuse(format('%s requires that ''find'' be a string, '
			'found: %s', op, left(p_find::text, 100)));
	ELSIF NOT mpcloud.is_null(p_replacement)
			AND jsonb_typeof(p_replacement) <> 'string' THEN
		RETURN mpcloud.refuse(format('%s requires that ''replacement'' be a string, '
			'found: %s', op, left(p_replacement::text, 100)));
	ELSIF mpcloud.is_null(p_input) OR mpcloud.is_null(p_find)
			OR mpcloud.is_null(p_replacement) THEN
		RETURN 'null';
	ELSIF x = '' THEN
		IF op = '$replaceOne' THEN
			RETURN to_jsonb((p_replacement #>> '{}') || s);
		END IF;
		RETURN to_jsonb((p_replacement #>> '{}') || coalesce(
			(SELECT string_agg(c || (p_replacement #>> '{}'), '' ORDER BY i)
			FROM regexp_split_to_table(s, '') WITH ORDINALITY t(c, i)
			WHERE s <> ''), ''));
	ELSIF op = '$replaceAll' THEN
		RETURN to_jsonb(replace(s, x, p_replacement #>> '{}'));
	END IF;
	n := strpos(s, x);
	IF n = 0 THEN
		RETURN p_input;
	END IF;
	RETURN to_jsonb(left(s, n - 1) || (p_replacement #>> '{}')
		|| substr(s, n + length(x)));
END $$;

-- A pattern that is not known before the statement runs, with MongoDB's
-- letters; one that is known was translated (db/regex.h).
CREATE OR REPLACE FUNCTION mpcloud.expr_pattern(op text, p_regex jsonb, p_options jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	letters text := '';
	pattern text := p_regex #>> '{}';
BEGIN
	IF mpcloud.type_of(p_regex) = 'regex' THEN
		pattern := p_regex #>> '{$regularExpression,pattern}';
		letters := coalesce(p_regex #>> '{$regularExpression,options}', '');
	ELSIF mpcloud.is_null(p_regex) THEN
		RETURN NULL;
	ELSIF jsonb_typeof(p_regex) <> 'string' THEN
		PERFORM mpcloud.refuse(format(
			'%s needs ''regex'' to be of type string or regex', op));
	END IF;
	IF jsonb_typeof(p_options) = 'string' THEN
		letters := letters || (p_options #>> '{}');
	ELSIF NOT mpcloud.is_null(p_options) THEN
		PERFORM mpcloud.refuse(format(
			'%s needs ''options'' to be of type string', op));
	END IF;
	IF letters ~ '[^imsxu]' THEN
		PERFORM mpcloud.refuse(format('%s: invalid options in regex: %s', op,
			left(letters, 20)));
	END IF;
	RETURN concat('(?', CASE WHEN letters ~ 'm' AND letters ~ 's' THEN 'w'
		WHEN letters ~ 'm' THEN 'n' WHEN letters ~ 's' THEN 's' ELSE 'p' END,
		CASE WHEN letters ~ 'i' THEN 'i' END,
		CASE WHEN letters ~ 'x' THEN 'x' END, ')', pattern);
END $$;

-- $regexMatch, $regexFind, $regexFindAll.
CREATE OR REPLACE FUNCTION mpcloud.op_regex(op text, p_input jsonb,
	p_regex jsonb DEFAULT NULL, p_options jsonb DEFAULT NULL,
	p_pattern jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	s text := p_input #>> '{}';
	pattern text := p_pattern #>> '{}';
	nothing jsonb := CASE op WHEN '$regexMatch' THEN 'false'
		WHEN '$regexFind' THEN 'null' ELSE '[]' END;
	all_of jsonb := '[]';
	n integer := 1;
	at integer;
	groups integer;
	hit text;
BEGIN
	IF NOT mpcloud.is_null(p_input) AND jsonb_typeof(p_input) <> 'string' THEN
		RETURN mpcloud.refuse(format('%s needs ''input'' to be of type string', op));
	ELSIF pattern IS NULL THEN
		pattern := mpcloud.expr_pattern(op, p_regex, p_options);
	END IF;
	IF mpcloud.is_null(p_input) OR pattern IS NULL THEN
		RETURN nothing;
	ELSIF op = '$regexMatch' THEN
		RETURN to_jsonb(s ~ pattern);
	END IF;
	groups := CASE WHEN pattern ~ '(^|[^\\])[(]([^?]|$)'
		THEN cardinality(regexp_match(s, pattern)) ELSE 0 END;
	LOOP
		at := regexp_instr(s, pattern, n);
		IF at = 0 THEN
			RETURN CASE op WHEN '$regexFindAll' THEN all_of ELSE nothing END;
		END IF;
		hit := coalesce(regexp_substr(s, pattern, n), '');
		all_of := all_of || jsonb_build_object('match', hit, 'idx', at - 1,
			'captures', coalesce((SELECT jsonb_agg(
				regexp_substr(s, pattern, n, 1, '', g) ORDER BY g)
				FROM generate_series(1, groups) g), '[]'));
		IF op = '$regexFind' THEN
			RETURN all_of -> 0;
		END IF;
		n := at + greatest(length(hit), 1);
		IF n > length(s) + 1 OR jsonb_array_length(all_of) > 100000 THEN
			RETURN all_of;
		END IF;
	END LOOP;
END $$;
