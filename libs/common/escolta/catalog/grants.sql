-- What each service may do in the catalog; `escolta migrate` runs it after the migrations, as the owner.
-- Made by `make contracts` from tests/contract/test_tables.py. A role signs in once it has a password.

DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA audio, label, al FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA audio, label, al FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audio, label, al FROM PUBLIC;

-- Who may replicate reads everything; of its own rights it needs what a drill compares, what
-- is no longer to be kept, and where it tells when it has ended.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'escolta_backup') THEN
        CREATE ROLE escolta_backup NOLOGIN REPLICATION;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else was faster
    WHEN insufficient_privilege THEN
        RAISE WARNING 'no account for backups: this owner may make none that replicates';
END $$;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'escolta_backup') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO escolta_backup', current_database());
        REVOKE ALL ON ALL TABLES IN SCHEMA public, audio, label, al FROM escolta_backup;
        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audio, label, al FROM escolta_backup;
        GRANT USAGE ON SCHEMA audio TO escolta_backup;
        GRANT SELECT ON audio.audios, audio.drops, audio.removed_objects TO escolta_backup;
        GRANT SELECT, INSERT, UPDATE ON audio.backups TO escolta_backup;
    END IF;
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'escolta_al_engine') THEN
        CREATE ROLE escolta_al_engine NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else was faster
END $$;
DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO escolta_al_engine', current_database());
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public, audio, label, al FROM escolta_al_engine;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audio, label, al FROM escolta_al_engine;
GRANT USAGE ON SCHEMA public, audio, label, al TO escolta_al_engine;
GRANT SELECT ON public.escolta_migrations TO escolta_al_engine;
GRANT SELECT ON audio.nodes TO escolta_al_engine;
GRANT SELECT ON audio.paths TO escolta_al_engine;
GRANT SELECT ON audio.hearable TO escolta_al_engine;
GRANT SELECT ON audio.models TO escolta_al_engine;
GRANT SELECT ON audio.embeddings TO escolta_al_engine;
GRANT SELECT ON audio.hearable_embeddings TO escolta_al_engine;
GRANT SELECT ON audio.embedding_counts TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.al_preprocessing TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.wavs_proposed TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.medoids TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.predictions TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.maps TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.iteration_maps TO escolta_al_engine;
GRANT SELECT ON audio.labelers TO escolta_al_engine;
GRANT SELECT ON audio.ontology TO escolta_al_engine;
GRANT SELECT ON label.sessions TO escolta_al_engine;
GRANT SELECT ON label.agreements TO escolta_al_engine;
GRANT SELECT ON label.closed_iterations TO escolta_al_engine;
GRANT INSERT ON audio.audit TO escolta_al_engine;
GRANT EXECUTE ON FUNCTION audio.cutoff() TO escolta_al_engine;
GRANT EXECUTE ON FUNCTION al.within_hours(timestamptz, smallint[]) TO escolta_al_engine;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'escolta_embedder') THEN
        CREATE ROLE escolta_embedder NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else was faster
END $$;
DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO escolta_embedder', current_database());
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public, audio, label, al FROM escolta_embedder;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audio, label, al FROM escolta_embedder;
GRANT USAGE ON SCHEMA public, audio, label, al TO escolta_embedder;
GRANT SELECT ON public.escolta_migrations TO escolta_embedder;
GRANT SELECT ON audio.nodes TO escolta_embedder;
GRANT SELECT ON audio.paths TO escolta_embedder;
GRANT SELECT ON audio.audios TO escolta_embedder;
GRANT SELECT ON audio.audio_counts TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.models TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embeddings TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.patches TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.patch_scores TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_failures TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_counts TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_marks TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_queue TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_windows TO escolta_embedder;
GRANT SELECT ON audio.labelers TO escolta_embedder;
GRANT SELECT ON label.sessions TO escolta_embedder;
GRANT INSERT ON audio.audit TO escolta_embedder;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'escolta_ingest') THEN
        CREATE ROLE escolta_ingest NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else was faster
END $$;
DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO escolta_ingest', current_database());
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public, audio, label, al FROM escolta_ingest;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audio, label, al FROM escolta_ingest;
GRANT USAGE ON SCHEMA public, audio, label, al TO escolta_ingest;
GRANT SELECT ON public.escolta_migrations TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.projects TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.sources TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.node_types TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.nodes TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.node_status TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.paths TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.audios TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.audio_counts TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.held TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.quarantine TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.quarantine_counts TO escolta_ingest;
GRANT SELECT ON audio.forgotten TO escolta_ingest;
GRANT SELECT ON audio.backups TO escolta_ingest;
GRANT SELECT ON audio.labelers TO escolta_ingest;
GRANT SELECT ON label.sessions TO escolta_ingest;
GRANT INSERT ON audio.audit TO escolta_ingest;
GRANT EXECUTE ON FUNCTION audio.ensure_month(timestamptz) TO escolta_ingest;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'escolta_label_gateway') THEN
        CREATE ROLE escolta_label_gateway NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else was faster
END $$;
DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO escolta_label_gateway', current_database());
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public, audio, label, al FROM escolta_label_gateway;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audio, label, al FROM escolta_label_gateway;
GRANT USAGE ON SCHEMA public, audio, label, al TO escolta_label_gateway;
GRANT SELECT ON public.escolta_migrations TO escolta_label_gateway;
GRANT SELECT ON audio.paths TO escolta_label_gateway;
GRANT SELECT ON audio.hearable TO escolta_label_gateway;
GRANT SELECT ON al.al_preprocessing TO escolta_label_gateway;
GRANT SELECT ON al.wavs_proposed TO escolta_label_gateway;
GRANT SELECT ON al.hearable_proposals TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.labelers TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.ontology TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.ontology_parents TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.chunks TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.address TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.groups TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.sessions TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.sign_in_links TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.assignments TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.withdrawals TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.listening TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.asked TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.submissions TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.submission_counts TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.agreements TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.closed_iterations TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.bat_names TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.bat_projects TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.bat_wavs TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.bat_users TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.bat_annotations TO escolta_label_gateway;
GRANT SELECT, INSERT ON audio.audit TO escolta_label_gateway;
