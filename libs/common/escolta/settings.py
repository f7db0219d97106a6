"""Every setting of every service in one typed class, built once by the command line and passed down.

Each field is the environment variable `ESCOLTA_<NAME>`; the defaults are the embedded world, which one
process on a fresh machine can run.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from escolta.errors import Misconfigured
from escolta.fields import Count, Positive
from escolta.secret import LEAST_SECRET, kept_secret


def _address_of_pages(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("write http://… or https://…, as people type it")
    return url.rstrip("/")


class Settings(BaseSettings):
    """What can be chosen about a deployment."""

    model_config = SettingsConfigDict(env_prefix="ESCOLTA_", extra="ignore", frozen=True)

    # Not shown, because they may hold a password.
    bus_url: str = Field(
        "memory://", repr=False, description="memory://, amqp(s)://… or, for a node, mqtt(s)://…"
    )
    catalog_url: str = Field(
        "embedded://var/catalog", repr=False, description="embedded://<folder> or postgresql://…"
    )
    objects_url: str = Field(
        "file://var/objects", repr=False, description="file://<folder> or s3://key:secret@host:port/bucket"
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
    secret: SecretStr | None = Field(
        None, description="signs sessions; the same for all services; none: made and kept in the state folder"
    )
    metrics_token: SecretStr | None = Field(
        None, description="bearer token that may read /metrics; none: only a signed-in lead may"
    )
    drain_s: float = Field(20.0, gt=0, le=3600, description="how long a stop waits for running handlers")

    node_name: str = Field("node", description="this node's name: a-z, 0-9 and -; unique in the project")
    replay_dir: Path | None = Field(None, description="folder of recordings that the node plays")
    replay_speed: float = Field(
        0.0, ge=0, description="how many times faster than real time to replay; 0: as fast as it goes"
    )
    clock_state: Literal["synchronized", "unsynchronized", "unknown"] = Field(
        "unknown", description="what the node says of its clock"
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
    schedule: str = Field(
        "",
        description='when iterations start by themselves, in UTC: "mon 06:00" or "daily 06:00"; empty: never',
    )

    sign_in_hours: float = Field(24.0, gt=0, le=87_600, description="how long a sign-in link can be used")
    session_days: float = Field(30.0, gt=0, le=3_650, description="how long a session lasts")
    group_shares: dict[str, Annotated[PositiveFloat, Field(allow_inf_nan=False)]] = Field(
        {}, description='parts of a batch by group, as JSON: {"harbor": 3, "campus": 2}; a group not named: 1'
    )
    group_overlap: float = Field(0.0, ge=0, le=1, description="part of a batch that every group hears")


def load_settings(**chosen: object) -> Settings:
    """Settings from the environment, `chosen` ones first; makes the secret on the first start.

    Raises `Misconfigured` that names the variable at fault.
    """
    try:
        settings = Settings(**chosen)  # type: ignore[arg-type]  # pydantic checks
    except ValidationError as error:
        first = error.errors()[0]
        name, fault = str(first["loc"][0]).upper(), first["msg"].removeprefix("Value error, ")
        raise Misconfigured(f"ESCOLTA_{name}: {fault}") from None
    except SettingsError:  # of the one setting that is JSON; its message names no variable
        raise Misconfigured('ESCOLTA_GROUP_SHARES is no JSON: write {"harbor": 3, "campus": 2}') from None
    if settings.secret is not None and len(settings.secret.get_secret_value()) < LEAST_SECRET:
        raise Misconfigured(
            f"ESCOLTA_SECRET is shorter than {LEAST_SECRET} characters: who guesses it signs in as anybody"
        )
    if settings.secret is None:
        settings = settings.model_copy(update={"secret": SecretStr(_kept_secret(settings.state_dir))})
    return settings


def _kept_secret(state_dir: Path) -> str:
    try:
        return kept_secret(state_dir)
    except OSError as error:
        raise Misconfigured(
            f"ESCOLTA_STATE_DIR: {error.filename or state_dir} cannot be used ({error.strerror}): give it to "
            "the user who runs Escolta, or set another folder"
        ) from error
