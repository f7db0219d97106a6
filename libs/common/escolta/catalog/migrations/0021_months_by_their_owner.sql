-- ingest calls --------------------------------------------------------------------------------------

-- With its owner's rights, so that ingest can have a month's tables made and can make no other.
ALTER FUNCTION audio.ensure_month(timestamptz) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
