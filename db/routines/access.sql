-- What a user's statement was made for must still be so.

CREATE OR REPLACE FUNCTION mpcloud.fresh(env text, name text, version bigint)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM mpcloud.collections c WHERE c.env = $1
			AND c.name = $2 AND c.version = $3) THEN
		RETURN true;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'MP410',
		MESSAGE = 'the definition of the collection is another now';
END $$;
