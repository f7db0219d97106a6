-- What each service may do in the catalog: run it as the owner of the tables after each migration.
-- Made by `make contracts` from tests/contract/test_tables.py. No role can sign in by itself.

DO $$ BEGIN CREATE ROLE escolta_al_engine NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM escolta_al_engine;
GRANT USAGE ON SCHEMA audio, label, al TO escolta_al_engine;
GRANT SELECT ON audio.nodes TO escolta_al_engine;
GRANT SELECT ON audio.paths TO escolta_al_engine;
GRANT SELECT ON audio.audios TO escolta_al_engine;
GRANT SELECT ON audio.models TO escolta_al_engine;
GRANT SELECT ON audio.embeddings TO escolta_al_engine;
GRANT SELECT ON audio.embedding_counts TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.al_preprocessing TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.wavs_proposed TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.medoids TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.predictions TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.maps TO escolta_al_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON al.iteration_maps TO escolta_al_engine;
GRANT SELECT ON audio.ontology TO escolta_al_engine;
GRANT SELECT ON label.agreements TO escolta_al_engine;
GRANT SELECT ON label.closed_iterations TO escolta_al_engine;

DO $$ BEGIN CREATE ROLE escolta_embedder NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM escolta_embedder;
GRANT USAGE ON SCHEMA audio, label, al TO escolta_embedder;
GRANT SELECT ON audio.paths TO escolta_embedder;
GRANT SELECT ON audio.audios TO escolta_embedder;
GRANT SELECT ON audio.audio_counts TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.models TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embeddings TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.patch_scores TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_failures TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_counts TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_marks TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_queue TO escolta_embedder;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.embedding_windows TO escolta_embedder;

DO $$ BEGIN CREATE ROLE escolta_ingest NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM escolta_ingest;
GRANT USAGE ON SCHEMA audio, label, al TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.projects TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.sources TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.node_types TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.nodes TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.node_status TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.paths TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.audios TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.audio_counts TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.quarantine TO escolta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.quarantine_counts TO escolta_ingest;

DO $$ BEGIN CREATE ROLE escolta_label_gateway NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM escolta_label_gateway;
GRANT USAGE ON SCHEMA audio, label, al TO escolta_label_gateway;
GRANT SELECT ON audio.paths TO escolta_label_gateway;
GRANT SELECT ON audio.audios TO escolta_label_gateway;
GRANT SELECT ON al.al_preprocessing TO escolta_label_gateway;
GRANT SELECT ON al.wavs_proposed TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.labelers TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.ontology TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON audio.chunks TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.address TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.groups TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.sign_in_links TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.assignments TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.withdrawals TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.submissions TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.submission_counts TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.agreements TO escolta_label_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON label.closed_iterations TO escolta_label_gateway;

DO $$ BEGIN CREATE ROLE escolta_node_agent NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA audio, label, al FROM escolta_node_agent;
