"""Makes libs/common/escolta/catalog/grants.sql from the map in test_tables.py."""

from collections.abc import Iterable, Mapping

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
SCHEMAS = "audio, label, al"
HEAD = f"""\
-- What each service may do in the catalog; `escolta migrate` runs it after the migrations, as the owner.
-- Made by `make contracts` from tests/contract/test_tables.py. A role signs in once it has a password.

DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA {SCHEMAS} FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMAS} FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {SCHEMAS} FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMAS} FROM PUBLIC;
"""


BACKUP = f"""
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
        REVOKE ALL ON ALL TABLES IN SCHEMA public, {SCHEMAS} FROM escolta_backup;
        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMAS} FROM escolta_backup;
        GRANT USAGE ON SCHEMA audio TO escolta_backup;
        GRANT SELECT ON audio.audios, audio.drops, audio.removed_objects TO escolta_backup;
        GRANT SELECT, INSERT, UPDATE ON audio.backups TO escolta_backup;
    END IF;
END $$;
"""


def role(service: str) -> str:
    """The database role of a service."""
    return f"escolta_{service}"


def grants(
    services: Iterable[str],
    rights: Mapping[str, Mapping[str, set[str]]],
    calls: Mapping[str, list[str]],
) -> str:
    """The statements that give each service its role and exactly these rights; they can be run again."""
    return (
        HEAD
        + BACKUP
        + "".join(
            _of_service(role(service), rights[service], calls[service])
            for service in sorted(services)
            if any(rights[service].values())
        )
    )


def _of_service(name: str, rights: Mapping[str, set[str]], calls: list[str]) -> str:
    lines = [
        "",
        "DO $$ BEGIN",
        f"    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN",
        f"        CREATE ROLE {name} NOLOGIN;",
        "    END IF;",
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else was faster",
        "END $$;",
        "DO $$ BEGIN",
        f"    EXECUTE format('GRANT CONNECT ON DATABASE %I TO {name}', current_database());",
        "END $$;",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public, {SCHEMAS} FROM {name};",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMAS} FROM {name};",
        f"GRANT USAGE ON SCHEMA public, {SCHEMAS} TO {name};",
        f"GRANT SELECT ON public.escolta_migrations TO {name};",
        *(
            f"GRANT {', '.join(right for right in RIGHTS if right in given)} ON {table} TO {name};"
            for table, given in rights.items()
            if given
        ),
        *(f"GRANT EXECUTE ON FUNCTION {function} TO {name};" for function in calls),
    ]
    return "\n".join(lines) + "\n"
