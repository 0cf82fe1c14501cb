-- Whose uploads in parts are open: for quotas, and for how many there may be.
CREATE INDEX file_uploads_asker ON mpcloud.file_uploads (env, asker);
