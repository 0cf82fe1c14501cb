-- A user without an openid came without WeChat (anonymous login).  He is found
-- by the tokens of his one login only.

ALTER TABLE mpcloud.users ALTER openid DROP NOT NULL;
CREATE INDEX users_visitors ON mpcloud.users (last_login_at)
	WHERE openid IS NULL;
