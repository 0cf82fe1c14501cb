-- Operators of expressions: arithmetic.  Integers are exact; with a double
-- among them doubles are computed with.  Each takes SQL's NULL for "missing",
-- and what is null or missing makes null.

CREATE OR REPLACE FUNCTION mpcloud.is_null(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT v IS NULL OR v = 'null'
$$;

CREATE OR REPLACE FUNCTION mpcloud.is_integer(v jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN jsonb_typeof(v) = 'number' AND scale(v::numeric) = 0
		AND abs(v::numeric) < 9223372036854775808;
END $$;

-- A double from exact digits: past its range infinite or nothing.
CREATE OR REPLACE FUNCTION mpcloud.to_float(n numeric)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
	IF n > 1.797693134862315807e308 THEN
		RETURN 'Infinity';
	ELSIF n < -1.797693134862315807e308 THEN
		RETURN '-Infinity';
	ELSIF abs(n) < 2.48e-324 THEN
		RETURN 0;
	END IF;
	RETURN n::float8;
END $$;

-- A number of any form as a double; NULL for what is none.
CREATE OR REPLACE FUNCTION mpcloud.float_of(v jsonb)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	s text;
BEGIN
	IF jsonb_typeof(v) = 'number' THEN
		RETURN mpcloud.to_float(v::numeric);
	ELSIF jsonb_typeof(v) <> 'object' OR v IS NULL THEN
		RETURN NULL;
	END IF;
	s := coalesce(v ->> '$numberDouble', v ->> '$numberDecimal');
	IF s ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,4})?$' THEN
		RETURN mpcloud.to_float(s::numeric);
	END IF;
	RETURN CASE WHEN s IS NULL THEN NULL WHEN s ~* '^[+]?inf' THEN 'Infinity'
		WHEN s ~* '^-inf' THEN '-Infinity' ELSE 'NaN' END;
END $$;

-- float8's own operators raise errors where IEEE 754 has infinities.
CREATE OR REPLACE FUNCTION mpcloud.float_add(x double precision, y double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF abs(x) < 1e300 AND abs(y) < 1e300 OR x IN ('NaN', 'Infinity', '-Infinity')
			OR y IN ('NaN', 'Infinity', '-Infinity') THEN
		RETURN x + y;
	END IF;
	RETURN mpcloud.to_float(x::numeric + y::numeric);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.float_multiply(x double precision, y double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF x = 0 OR y = 0 OR abs(x) BETWEEN 1e-150 AND 1e150
			AND abs(y) BETWEEN 1e-150 AND 1e150
			OR x IN ('NaN', 'Infinity', '-Infinity')
			OR y IN ('NaN', 'Infinity', '-Infinity') THEN
		RETURN x * y;
	END IF;
	RETURN mpcloud.to_float(x::numeric * y::numeric);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.float_divide(x double precision, y double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF x = 0 OR abs(x) BETWEEN 1e-150 AND 1e150
			AND abs(y) BETWEEN 1e-150 AND 1e150
			OR x IN ('NaN', 'Infinity', '-Infinity')
			OR y IN ('NaN', 'Infinity', '-Infinity') THEN
		RETURN x / y;
	END IF;
	RETURN mpcloud.to_float(x::numeric / y::numeric);
END $$;

-- $add, two at a time.
CREATE OR REPLACE FUNCTION mpcloud.op_add(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x numeric;
	y numeric;
	f double precision;
	kind text;
BEGIN
	IF jsonb_typeof(a) = 'number' AND jsonb_typeof(b) = 'number' THEN
		x := a::numeric;
		y := b::numeric;
		IF scale(x) = 0 AND scale(y) = 0 AND abs(x + y) < 9223372036854775808 THEN
			RETURN to_jsonb(x + y);
		END IF;
		RETURN mpcloud.num(mpcloud.float_add(mpcloud.to_float(x),
			mpcloud.to_float(y)));
	ELSIF mpcloud.is_null(a) THEN
		RETURN 'null';
	END IF;
	kind := mpcloud.type_of(b);
	IF mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF kind NOT IN ('int', 'long', 'double', 'decimal', 'date') THEN
		RETURN mpcloud.refuse(format(
			'$add only supports numeric or date types, not %s', kind));
	ELSIF a ? '$date' AND kind = 'date' THEN
		RETURN mpcloud.refuse('only one date allowed in an $add expression');
	ELSIF a ? '$date' OR kind = 'date' THEN
		f := round(coalesce(mpcloud.float_of(a), (a -> '$date')::float8)
			+ coalesce(mpcloud.float_of(b), (b -> '$date')::float8));
		IF f IN ('NaN', 'Infinity', '-Infinity') OR abs(f) > 9e18 THEN
			RETURN mpcloud.refuse('date overflow in $add');
		END IF;
		RETURN jsonb_build_object('$date', f::bigint);
	END IF;
	RETURN mpcloud.num(mpcloud.float_of(a) + mpcloud.float_of(b));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_subtract(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x numeric;
	y numeric;
	f double precision;
BEGIN
	IF jsonb_typeof(a) = 'number' AND jsonb_typeof(b) = 'number' THEN
		x := a::numeric;
		y := b::numeric;
		IF scale(x) = 0 AND scale(y) = 0 AND abs(x - y) < 9223372036854775808 THEN
			RETURN to_jsonb(x - y);
		END IF;
		RETURN mpcloud.num(mpcloud.float_add(mpcloud.to_float(x),
			-mpcloud.to_float(y)));
	ELSIF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF mpcloud.type_of(a) = 'date' AND mpcloud.type_of(b) = 'date' THEN
		RETURN to_jsonb((a -> '$date')::numeric - (b -> '$date')::numeric);
	END IF;
	f := mpcloud.float_of(b);
	IF mpcloud.type_of(a) = 'date' AND abs(f) < 9e18 THEN
		RETURN jsonb_build_object('$date',
			(a -> '$date')::bigint - round(f)::bigint);
	ELSIF f IS NULL OR mpcloud.float_of(a) IS NULL THEN
		RETURN mpcloud.refuse(format('can''t $subtract %s from %s',
			mpcloud.type_of(b), mpcloud.type_of(a)));
	END IF;
	RETURN mpcloud.num(mpcloud.float_of(a) - f);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_multiply(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x numeric;
	y numeric;
BEGIN
	IF jsonb_typeof(a) = 'number' AND jsonb_typeof(b) = 'number' THEN
		x := a::numeric;
		y := b::numeric;
		IF scale(x) = 0 AND scale(y) = 0 AND abs(x * y) < 9223372036854775808 THEN
			RETURN to_jsonb(x * y);
		END IF;
		RETURN mpcloud.num(mpcloud.float_multiply(mpcloud.to_float(x),
			mpcloud.to_float(y)));
	ELSIF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF mpcloud.float_of(b) IS NULL THEN
		RETURN mpcloud.refuse(format('$multiply only supports numeric types, not %s',
			mpcloud.type_of(b)));
	END IF;
	RETURN mpcloud.num(mpcloud.float_multiply(mpcloud.float_of(a),
		mpcloud.float_of(b)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_divide(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x double precision := mpcloud.float_of(a);
	y double precision := mpcloud.float_of(b);
BEGIN
	IF y = 0 AND x IS NOT NULL THEN
		RETURN mpcloud.refuse('can''t $divide by zero');
	ELSIF x IS NOT NULL AND y IS NOT NULL THEN
		RETURN mpcloud.num(mpcloud.float_divide(x, y));
	ELSIF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	END IF;
	RETURN mpcloud.refuse(format(
		'$divide only supports numeric types, not %s and %s',
		mpcloud.type_of(a), mpcloud.type_of(b)));
END $$;

-- The remainder has the sign of the dividend, as C's.
CREATE OR REPLACE FUNCTION mpcloud.op_mod(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x double precision := mpcloud.float_of(a);
	y double precision := mpcloud.float_of(b);
BEGIN
	IF y = 0 AND x IS NOT NULL THEN
		RETURN mpcloud.refuse('can''t $mod by zero');
	ELSIF x IS NULL OR y IS NULL THEN
		IF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
			RETURN 'null';
		END IF;
		RETURN mpcloud.refuse(format(
			'$mod only supports numeric types, not %s and %s',
			mpcloud.type_of(a), mpcloud.type_of(b)));
	ELSIF mpcloud.is_integer(a) AND mpcloud.is_integer(b) THEN
		RETURN to_jsonb(mod(a::numeric, b::numeric));
	ELSIF x IN ('NaN', 'Infinity', '-Infinity') OR y = 'NaN' THEN
		RETURN mpcloud.num('NaN');
	ELSIF y IN ('Infinity', '-Infinity') THEN
		RETURN mpcloud.num(x);
	END IF;
	-- a double's digits in full: its decimal form is short by a little
	RETURN mpcloud.num(mpcloud.to_float(mod(
		mpcloud.float_digits(x), mpcloud.float_digits(y))));
END $$;

-- Exactly the value of a double: m * 2^e.
CREATE OR REPLACE FUNCTION mpcloud.float_digits(x double precision)
RETURNS numeric LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
	bits bigint := ('x' || encode(float8send(x), 'hex'))::bit(64)::bigint;
	e integer := (bits >> 52) & 2047;
	m numeric := bits & 4503599627370495;
	n numeric;
BEGIN
	IF e > 0 THEN
		m := m + 4503599627370496;
	ELSE
		e := 1;
	END IF;
	n := 2;
	IF e >= 1075 THEN
		n := m * n ^ (e - 1075);
	ELSE
		-- 2^-k = 5^k / 10^k, which ends after k digits
		n := m * 5::numeric ^ (1075 - e) * (('1e-' || (1075 - e))::numeric);
	END IF;
	RETURN CASE WHEN bits < 0 THEN -n ELSE n END;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_abs(a jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(a) = 'number' THEN
		RETURN to_jsonb(abs(a::numeric));
	ELSIF mpcloud.is_null(a) THEN
		RETURN 'null';
	ELSIF mpcloud.float_of(a) IS NULL THEN
		RETURN mpcloud.refuse(format('$abs only supports numeric types, not %s',
			mpcloud.type_of(a)));
	END IF;
	RETURN mpcloud.num(abs(mpcloud.float_of(a)));
END $$;

-- $round and $trunc to a place, $ceil, $floor.  $round takes the even one of
-- two that are equally near.
CREATE OR REPLACE FUNCTION mpcloud.op_round(op text, a jsonb, place jsonb DEFAULT '0')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x numeric;
	n integer;
	half numeric;
BEGIN
	IF mpcloud.is_null(a) OR mpcloud.is_null(place) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(a) <> 'number' THEN
		IF mpcloud.float_of(a) IS NOT NULL THEN
			RETURN mpcloud.num(mpcloud.float_of(a));
		END IF;
		RETURN mpcloud.refuse(format('%s only supports numeric types, not %s',
			op, mpcloud.type_of(a)));
	ELSIF jsonb_typeof(place) <> 'number' OR place::numeric <> trunc(place::numeric)
			OR place::numeric NOT BETWEEN -20 AND 100 THEN
		RETURN mpcloud.refuse(format(
			'cannot apply %s with precision value %s value must be in [-20, 100]',
			op, place));
	END IF;
	n := place::numeric;
	IF mpcloud.is_integer(a) THEN
		IF n >= 0 THEN
			RETURN a;
		END IF;
		x := a::numeric;
	ELSE
		x := mpcloud.float_digits(mpcloud.float_of(a));
	END IF;
	IF op = '$ceil' THEN
		x := ceil(x);
	ELSIF op = '$floor' THEN
		x := floor(x);
	ELSIF op = '$trunc' THEN
		x := trunc(x, n);
	ELSE
		half := 0.5 * ('1e' || -n)::numeric;
		IF abs(x - trunc(x, n)) = half THEN
			x := 2 * round(x / 2, n);
		ELSE
			x := round(x, n);
		END IF;
	END IF;
	IF mpcloud.is_integer(a) THEN
		RETURN to_jsonb(trunc(x));
	END IF;
	RETURN mpcloud.num(mpcloud.to_float(x));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.float_pow(x double precision, y double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	size double precision;
BEGIN
	IF x IN ('NaN', 'Infinity', '-Infinity')
			OR y IN ('NaN', 'Infinity', '-Infinity') OR x = 0 OR y = 0 THEN
		IF x = 0 AND y < 0 THEN
			RETURN 'Infinity';
		END IF;
		RETURN power(x, y);
	ELSIF x < 0 AND y <> trunc(y) THEN
		RETURN 'NaN';
	END IF;
	size := ln(abs(x)) * y;
	IF size > 709.78 THEN
		RETURN CASE WHEN x < 0 AND abs(y) < 9e15 AND y::bigint % 2 <> 0
			THEN '-Infinity' ELSE 'Infinity' END::float8;
	ELSIF size < -745 THEN
		RETURN 0;
	END IF;
	RETURN power(x, y);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_pow(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x double precision := mpcloud.float_of(a);
	y double precision := mpcloud.float_of(b);
	n numeric;
BEGIN
	IF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF x IS NULL THEN
		RETURN mpcloud.refuse(format('$pow''s base must be numeric, not %s',
			mpcloud.type_of(a)));
	ELSIF y IS NULL THEN
		RETURN mpcloud.refuse(format('$pow''s exponent must be numeric, not %s',
			mpcloud.type_of(b)));
	ELSIF x = 0 AND y < 0 THEN
		RETURN mpcloud.refuse(
			'$pow cannot take a base of 0 and a negative exponent');
	ELSIF mpcloud.is_integer(a) AND mpcloud.is_integer(b) AND y >= 0
			AND (abs(x) <= 1 OR y * ln(greatest(abs(x), 2)) < 44) THEN
		n := CASE WHEN abs(x) <= 1 AND y > 2
			THEN a::numeric ^ (2 + mod(b::numeric, 2))
			ELSE a::numeric ^ b::numeric END;
		IF abs(n) < 9223372036854775808 THEN
			RETURN to_jsonb(trunc(n));
		END IF;
	END IF;
	RETURN mpcloud.num(mpcloud.float_pow(x, y));
END $$;

-- Those of one double.
CREATE OR REPLACE FUNCTION mpcloud.op_math(op text, a jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x double precision := mpcloud.float_of(a);
BEGIN
	IF mpcloud.is_null(a) THEN
		RETURN 'null';
	ELSIF x IS NULL THEN
		RETURN mpcloud.refuse(format('%s only supports numeric types, not %s',
			op, mpcloud.type_of(a)));
	ELSIF x = 'NaN' THEN
		RETURN mpcloud.num(x);
	ELSIF op IN ('$ln', '$log10') AND x <= 0 THEN
		RETURN mpcloud.refuse(format(
			'%s''s argument must be a positive number, but is %s', op, x));
	ELSIF op = '$sqrt' AND x < 0 THEN
		RETURN mpcloud.refuse(
			'$sqrt''s argument must be greater than or equal to 0');
	ELSIF op IN ('$sin', '$cos', '$tan') AND abs(x) = 'Infinity'
			OR op IN ('$asin', '$acos', '$atanh') AND abs(x) > 1
			OR op = '$acosh' AND x < 1 THEN
		RETURN mpcloud.refuse(format('cannot apply %s to %s, value is out of range',
			op, x));
	END IF;
	RETURN mpcloud.num(CASE op
		WHEN '$exp' THEN CASE WHEN x > 709.78 THEN 'Infinity'
			WHEN x < -745 THEN 0 ELSE exp(x) END
		WHEN '$ln' THEN ln(x)
		WHEN '$log10' THEN log(x)
		WHEN '$sqrt' THEN sqrt(x)
		WHEN '$sin' THEN sin(x)
		WHEN '$cos' THEN cos(x)
		WHEN '$tan' THEN tan(x)
		WHEN '$asin' THEN asin(x)
		WHEN '$acos' THEN acos(x)
		WHEN '$atan' THEN atan(x)
		WHEN '$sinh' THEN sinh(x)
		WHEN '$cosh' THEN cosh(x)
		WHEN '$tanh' THEN tanh(x)
		WHEN '$asinh' THEN asinh(x)
		WHEN '$acosh' THEN acosh(x)
		WHEN '$atanh' THEN CASE WHEN x = 1 THEN 'Infinity'
			WHEN x = -1 THEN '-Infinity' ELSE atanh(x) END
		WHEN '$degreesToRadians' THEN radians(x)
		ELSE degrees(x) END);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_atan2(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF mpcloud.float_of(a) IS NULL OR mpcloud.float_of(b) IS NULL THEN
		RETURN mpcloud.refuse(format(
			'$atan2 only supports numeric types, not %s and %s',
			mpcloud.type_of(a), mpcloud.type_of(b)));
	END IF;
	RETURN mpcloud.num(atan2(mpcloud.float_of(a), mpcloud.float_of(b)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_log(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x double precision := mpcloud.float_of(a);
	y double precision := mpcloud.float_of(b);
BEGIN
	IF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF x IS NULL THEN
		RETURN mpcloud.refuse(format('$log''s argument must be numeric, not %s',
			mpcloud.type_of(a)));
	ELSIF y IS NULL THEN
		RETURN mpcloud.refuse(format('$log''s base must be numeric, not %s',
			mpcloud.type_of(b)));
	ELSIF x <= 0 THEN
		RETURN mpcloud.refuse(format(
			'$log''s argument must be a positive number, but is %s', x));
	ELSIF y <= 0 OR y = 1 THEN
		RETURN mpcloud.refuse(format('$log''s base must be a positive number '
			'not equal to 1, but is %s', y));
	END IF;
	RETURN mpcloud.num(ln(x) / ln(y));
END $$;

-- -1, 0, 1.  What is missing is less than null.
CREATE OR REPLACE FUNCTION mpcloud.value_cmp(a jsonb, b jsonb)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb;
	y jsonb;
BEGIN
	IF a IS NULL OR b IS NULL THEN
		RETURN (a IS NOT NULL)::integer - (b IS NOT NULL)::integer;
	ELSIF a = b THEN
		RETURN 0;
	ELSIF jsonb_typeof(a) = jsonb_typeof(b)
			AND jsonb_typeof(a) IN ('number', 'string', 'boolean') THEN
		RETURN CASE WHEN a < b THEN -1 ELSE 1 END;
	END IF;
	x := mpcloud.key(a);
	y := mpcloud.key(b);
	RETURN CASE WHEN x < y THEN -1 WHEN x = y THEN 0 ELSE 1 END;
END $$;

-- A sum from its two halves: of integers exactly, of doubles.
CREATE OR REPLACE FUNCTION mpcloud.sum_of(n numeric, f double precision)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF f IS NULL AND coalesce(abs(n), 0) < 9223372036854775808 THEN
		RETURN to_jsonb(coalesce(n, 0));
	END IF;
	RETURN mpcloud.num(mpcloud.float_add(coalesce(f, 0),
		coalesce(mpcloud.to_float(n), 0)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.avg_of(n numeric, f double precision, c bigint)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF c = 0 THEN
		RETURN 'null';
	END IF;
	RETURN mpcloud.num(mpcloud.float_add(coalesce(f, 0),
		coalesce(mpcloud.to_float(n), 0)) / c);
END $$;

-- $sum, $avg, $min, $max, $stdDev… of a list.
CREATE OR REPLACE FUNCTION mpcloud.op_spread(v jsonb)
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) = 'array' THEN
		RETURN ARRAY(SELECT jsonb_array_elements(v));
	END IF;
	RETURN ARRAY[v];
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_over(op text, list jsonb[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF op = '$max' THEN
		RETURN coalesce((SELECT v FROM unnest(list) v
			WHERE v <> 'null' ORDER BY mpcloud.key(v) DESC LIMIT 1), 'null');
	ELSIF op = '$min' THEN
		RETURN coalesce((SELECT v FROM unnest(list) v
			WHERE v <> 'null' ORDER BY mpcloud.key(v) LIMIT 1), 'null');
	END IF;
	RETURN (SELECT CASE op
		WHEN '$sum' THEN mpcloud.sum_of(
			sum(v::numeric) FILTER (WHERE mpcloud.is_integer(v)),
			sum(f) FILTER (WHERE NOT mpcloud.is_integer(v)))
		WHEN '$avg' THEN mpcloud.avg_of(
			sum(v::numeric) FILTER (WHERE mpcloud.is_integer(v)),
			sum(f) FILTER (WHERE NOT mpcloud.is_integer(v)), count(f))
		WHEN '$stdDevPop' THEN
			coalesce(mpcloud.num(stddev_pop(f)), 'null')
		ELSE coalesce(mpcloud.num(stddev_samp(f)), 'null') END
		FROM (SELECT e AS v, mpcloud.float_of(e) AS f FROM unnest(list) e) x
		WHERE f IS NOT NULL);
END $$;
