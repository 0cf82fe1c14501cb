-- Full text: words without regard to case, of no particular language.  Chinese,
-- Japanese and Korean have no spaces between words: each of their characters is
-- a word of its own, and a searched word a phrase of them, so that any part of
-- a sentence is found.

-- A tsvector holds 1 MB and tells 16383 positions apart; of longer texts the
-- beginning is searched.
CREATE OR REPLACE FUNCTION mpcloud.text_spaced(t text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT regexp_replace(regexp_replace(left(t, 100000),
		'[\u3000-\u303F\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\u2010-\u2027\u2030-\u205E]',
		' ', 'g'),
		'([\u2E80-\u2FDF\u3040-\u30FF\u3130-\u318F\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF\U00020000-\U0003FFFD])',
		' \1 ', 'g')
$$;

CREATE OR REPLACE FUNCTION mpcloud.text_vector(t text)
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT to_tsvector('pg_catalog.simple', mpcloud.text_spaced(t))
$$;

-- A word or phrase; NULL when there is no letter in it.
CREATE OR REPLACE FUNCTION mpcloud.text_phrase(t text)
RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN length(mpcloud.text_vector(t)) > 0
		THEN phraseto_tsquery('pg_catalog.simple', mpcloud.text_spaced(t))
		END
$$;

-- {"any": words, "all": phrases, "none": words}; NULL when nothing is asked.
CREATE OR REPLACE FUNCTION mpcloud.text_query(v jsonb)
RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	found tsquery;
	part tsquery;
	word text;
BEGIN
	FOR word IN SELECT jsonb_array_elements_text(v -> 'any') LOOP
		part := mpcloud.text_phrase(word);
		found := coalesce(found || part, found, part);
	END LOOP;
	FOR word IN SELECT jsonb_array_elements_text(v -> 'all') LOOP
		part := mpcloud.text_phrase(word);
		found := coalesce(found && part, found, part);
	END LOOP;
	FOR word IN SELECT jsonb_array_elements_text(v -> 'none') LOOP
		part := mpcloud.text_phrase(word);
		found := coalesce(found && !!part, found);
	END LOOP;
	RETURN found;
END $$;

-- The texts that the paths, a list of lists of steps, lead to.
CREATE OR REPLACE FUNCTION mpcloud.text_at(v jsonb, paths jsonb)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT string_agg(t #>> '{}', ' ')
		FROM jsonb_array_elements(paths) p,
			unnest(mpcloud.tried(v, ARRAY(SELECT
				jsonb_array_elements_text(p)))) t
		WHERE jsonb_typeof(t) = 'string'
$$;

-- All texts of a document, for a collection without a text index.
CREATE OR REPLACE FUNCTION mpcloud.text_all(v jsonb)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT string_agg(t #>> '{}', ' ')
		FROM jsonb_path_query(v, 'strict $.**') t
		WHERE jsonb_typeof(t) = 'string'
$$;
