"""Every setting of every service in one typed class, built once by the command line and passed down.

Each field is the environment variable `ESCOLTA_<NAME>`, or a file of that name in the folder of secrets; the
defaults are the embedded world, which one process on a fresh machine can run.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from escolta.errors import Misconfigured
from escolta.events import ClockState
from escolta.fields import Count, Positive
from escolta.secret import LEAST_SECRET, kept_secret
from escolta.url import parts_of


def _address_of_pages(url: str) -> str:
    """What is shown to everybody: a password in it would be as well."""
    if not url:
        return ""
    parts = parts_of(url) if url.startswith(("http://", "https://")) else None
    if not parts or not parts.hostname or parts.query or "@" in parts.netloc:
        raise ValueError("write http://… or https://…, as people type it, without user and password")
    return url.rstrip("/")


def _address_of_store(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^/?#@\s]+/?", url):
        raise ValueError("write https://host:port, without a path: the store checks what it is asked for")
    return url.rstrip("/")


class Settings(BaseSettings):
    """What can be chosen about a deployment."""

    model_config = SettingsConfigDict(env_prefix="ESCOLTA_", extra="ignore", frozen=True)

    secrets_dir: Path = Field(
        Path("/run/secrets"),
        description="folder of files that are called as a variable and hold its value; a variable goes first",
    )
    # Not shown, because they may hold a password.
    bus_url: str = Field(
        "memory://", repr=False, description="memory://, amqp(s)://… or, for a node, mqtt(s)://…"
    )
    catalog_url: str = Field(
        "embedded://var/catalog", repr=False, description="embedded://<folder> or postgresql://…"
    )
    catalog_passwords: dict[str, SecretStr] = Field(
        {},
        repr=False,
        description='for `escolta migrate`: the passwords of the services, as JSON: {"ingest": "…"}',
    )
    objects_url: str = Field(
        "file://var/objects", repr=False, description="file://<folder> or s3://key:secret@host:port/bucket"
    )
    upload_url: Annotated[str, AfterValidator(_address_of_store)] = Field(
        "",
        description="https://host:port under which nodes reach the object store; empty: that of objects_url",
    )
    cold_objects_url: str = Field(
        "",
        repr=False,
        description="where `escolta retain` moves old sounds, and every service reads them: another folder or"
        " bucket, as objects_url; empty: they stay",
    )
    state_dir: Path = Field(Path("var"), description="folder for what this process keeps for itself")
    cache: Path = Field(
        Path("/var/cache/escolta"),
        description="where root keeps a copy of PostgreSQL's programs that another user can run",
    )

    http_host: str = Field("127.0.0.1", description="address to listen on")
    http_port: int = Field(
        0, ge=0, le=65535, description="port to listen on; 0: 8765 if it is free, else any"
    )
    public_url: Annotated[str, AfterValidator(_address_of_pages)] = Field(
        "", description="address under which people reach the pages; empty: host and port"
    )
    proxies: str = Field(
        "",
        description="addresses or networks, separated by commas, of what stands in front of this process: the"
        " caller that its X-Forwarded-For names is believed; *: whoever reaches it",
    )
    secret: SecretStr | None = Field(
        None, description="signs sessions; the same for all services; none: made and kept in the state folder"
    )
    metrics_token: SecretStr | None = Field(
        None, description="bearer token that may read /metrics; none: only a signed-in lead may"
    )
    watched_certificates: str = Field(
        "",
        description="host:port, separated by commas, of servers whose certificates are watched besides those"
        " of bus, catalog and store",
    )
    leave_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="how long a stop goes on answering while /readyz says no, so that requests find their way"
        " elsewhere; where several processes share an address: some seconds",
    )
    drain_s: float = Field(
        20.0, gt=0, le=3600, description="how long a stop waits for running requests, and then for handlers"
    )

    node_name: str = Field("node", description="this node's name: a-z, 0-9 and -; unique in the project")
    replay_dir: Path | None = Field(None, description="folder of recordings that the node plays")
    replay_speed: float = Field(
        0.0, ge=0, description="how many times faster than real time to replay; 0: as fast as it goes"
    )
    spool_share: float = Field(
        0.8, gt=0, le=1, description="part of the disk's free space that a node fills before recording waits"
    )
    clock_state: ClockState = Field("unknown", description="what the node says of its clock")

    broker_admin_url: str = Field(
        "",
        repr=False,
        description="the operator's, for `escolta accounts` and `escolta node`: "
        "http(s)://user:password@host:port of RabbitMQ's management",
    )
    broker_passwords: dict[str, SecretStr] = Field(
        {}, description='for `escolta accounts`: the passwords of the services, as JSON: {"ingest": "…"}'
    )
    node_passwords: dict[str, SecretStr] = Field(
        {}, description='for `escolta accounts`: nodes whose passwords are made already: {"quay-1": "…"}'
    )
    broker_watcher_password: SecretStr | None = Field(
        None,
        description="for `escolta accounts`: the password of escolta-watcher, by which an autoscaler sees how"
        " long the queues are; none: there is no such account",
    )
    node_bus_url: str = Field(
        "",
        description="for `escolta node add`: mqtt(s)://host:port under which nodes reach the broker",
    )

    nodes: str = Field("", description="nodes that ingest registers when it starts, separated by commas")

    model: Literal["yamnet", "cnn14", "placeholder"] = Field("yamnet", description="embedding model")
    cnn14_weights: Path | None = Field(
        None, description="file of CNN14's weights; none: what `escolta models fetch cnn14` downloaded"
    )
    embed_batch: int = Field(32, gt=0, le=10_000, description="audios in one call of the model")

    batch: Positive = Field(400, description="audios that one iteration proposes (the paper: 400)")
    max_samples: Count = Field(0, description="N_max of the partition; 0: from the memory at hand")
    max_medoids: Positive = Field(20_000, description="M_max, the most medoids of a run")
    strategy: str = Field("mal-mf", description="how an iteration chooses; docs/strategies.md compares them")
    control_share: float = Field(
        0.05, ge=0, le=1, description="part of a batch that is drawn at random, to measure without bias"
    )
    suggestions: float = Field(
        0.0,
        ge=0,
        le=1,
        description="part of the batches, drawn at random, that show three likely classes with every audio;"
        " 0: none (the paper)",
    )
    schedule: str = Field(
        "",
        description='when iterations start by themselves, in UTC: "mon 06:00" or "daily 06:00"; empty: never',
    )

    keep_audio_days: Count = Field(
        0,
        description="`escolta retain` drops sounds that were never proposed after so many days; 0: never"
        " (90 is a quarter in which iterations choose from all of them)",
    )
    cold_after_days: Count = Field(
        0, description="`escolta retain` moves sounds to cold_objects_url after so many days; 0: never"
    )
    keep_patch_scores_days: Count = Field(
        0, description="`escolta retain` drops scores of patches after so many days, by months; 0: never"
    )

    backup_grace_days: Count = Field(
        30,
        description="`escolta backup` removes its copies of sounds that were dropped or forgotten so many"
        " days ago, once no base backup is from before",
    )

    sign_in_hours: float = Field(24.0, gt=0, le=87_600, description="how long a sign-in link can be used")
    session_days: float = Field(30.0, gt=0, le=3_650, description="how long a session lasts")
    group_shares: dict[str, Annotated[PositiveFloat, Field(allow_inf_nan=False)]] = Field(
        {}, description='parts of a batch by group, as JSON: {"harbor": 3, "campus": 2}; a group not named: 1'
    )
    group_overlap: float = Field(0.0, ge=0, le=1, description="part of a batch that every group hears")
    listening: Literal["group", "single", "adaptive"] = Field(
        "group",
        description="who of a group hears an audio: everybody (the paper), one, or one after another only"
        " where answers contradict; docs/listening.md compares them",
    )

    bat_url: Annotated[str, AfterValidator(_address_of_pages)] = Field(
        "", description="address under which BAT is reached, for teams that label there; empty: there is none"
    )
    bat_user: str = Field("", description="a staff and superuser account in BAT, for this installation alone")
    bat_password: SecretStr | None = Field(None, description="its password")
    bat_every_s: float = Field(
        60.0, ge=1, le=86_400, description="seconds between two rounds in which BAT is brought in step"
    )
    bat_timeout_s: float = Field(
        60.0, gt=0, le=3_600, description="seconds after which a page of BAT that does not come is given up"
    )
    bat_settle_s: float = Field(
        30.0,
        ge=0,
        le=3_600,
        description="how long an upload to BAT that was not answered may still be under way there: it is not"
        " repeated before",
    )
    bat_closed: Literal["keep", "delete"] = Field(
        "keep",
        description="what becomes of a batch's projects in BAT once it is closed and all of it is read",
    )
    bat_host: str = Field(
        "", description="the host that BAT is told it was asked as, such as localhost; empty: that of bat_url"
    )


def load_settings(**chosen: object) -> Settings:
    """Settings from the environment, `chosen` ones first; makes the secret on the first start.

    Raises `Misconfigured` that names the variable at fault.
    """
    settings = read_settings(**chosen)
    if settings.secret is None:
        settings = settings.model_copy(update={"secret": SecretStr(_kept_secret(settings.state_dir))})
    return settings


def read_settings(**chosen: object) -> Settings:
    """The same without a secret of its own making, for a command that signs nothing and keeps nothing."""
    try:
        settings = Settings(_secrets_dir=_secrets_dir(), **chosen)  # type: ignore[arg-type]  # pydantic checks
    except ValidationError as error:
        first = error.errors()[0]
        name, fault = str(first["loc"][0]).upper(), first["msg"].removeprefix("Value error, ")
        raise Misconfigured(f"ESCOLTA_{name}: {fault}") from None
    except SettingsError as error:  # its message may quote what it cannot read
        name = (re.findall(r'field "(\w+)"', str(error)) or ["?"])[0].upper()
        if isinstance(error.__cause__, (OSError, UnicodeDecodeError)):
            raise Misconfigured(
                f"ESCOLTA_{name}: its file cannot be read ({error.__cause__.__class__.__name__}): "
                "give it to the user who runs Escolta"
            ) from None
        raise Misconfigured(f'ESCOLTA_{name} is no JSON: write {{"one": …, "another": …}}') from None
    if settings.secret is not None and len(settings.secret.get_secret_value()) < LEAST_SECRET:
        raise Misconfigured(
            f"ESCOLTA_SECRET is shorter than {LEAST_SECRET} characters: who guesses it signs in as anybody"
        )
    return settings


def _secrets_dir() -> Path | None:
    """The folder of secrets; none where there is no such folder and nobody has asked for one."""
    asked_for = os.environ.get("ESCOLTA_SECRETS_DIR")
    folder = Path(asked_for or Settings.model_fields["secrets_dir"].default)
    if folder.is_dir():
        return folder
    if asked_for:
        raise Misconfigured(f"ESCOLTA_SECRETS_DIR: {folder} is no folder")
    return None


def _kept_secret(state_dir: Path) -> str:
    try:
        return kept_secret(state_dir)
    except OSError as error:
        raise Misconfigured(
            f"ESCOLTA_STATE_DIR: {error.filename or state_dir} cannot be used ({error.strerror}): give it to "
            "the user who runs Escolta, or set another folder"
        ) from error
