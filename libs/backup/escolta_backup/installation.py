"""Which installation a backup is of."""

from pathlib import Path

from escolta.installations import settings_at_work, settings_in
from escolta.settings import Settings, read_settings
from escolta.url import scheme_of


def settings_of(state_dir: Path | None, *, may_be_new: bool = False) -> Settings:
    """The settings of the installation in `state_dir`, of the environment, or of the one that is at work.

    `may_be_new`: there may be nothing yet, and nothing at work is meant.
    """
    if state_dir and may_be_new:
        urls = {
            "catalog_url": f"embedded://{state_dir}/catalog",
            "objects_url": f"file://{state_dir}/objects",
        }
        return read_settings(state_dir=state_dir, **urls)
    if state_dir:
        return settings_in(state_dir)
    settings = read_settings()
    if may_be_new or scheme_of(settings.catalog_url) != "embedded":
        return settings
    return settings_at_work()


def make_store(settings: Settings) -> None:
    """Make the folder of an object store that is to be one: in an empty place there is none yet."""
    kind, rest = scheme_of(settings.objects_url), settings.objects_url.partition("://")[2]
    if kind == "file" and rest:
        Path(rest).mkdir(parents=True, exist_ok=True)
