"""Which installation on this machine a command means."""

import sys
from pathlib import Path

from escolta.errors import Misconfigured
from escolta.settings import Settings, load_settings


def settings_in(state_dir: Path) -> Settings:
    """The settings of the embedded installation in `state_dir`."""
    if not (state_dir / "catalog").is_dir():
        raise Misconfigured(f"{state_dir} is not the folder of an installation: it holds no catalog")
    return load_settings(
        state_dir=state_dir,
        catalog_url=f"embedded://{state_dir}/catalog",
        objects_url=f"file://{state_dir}/objects",
    )


def settings_at_work() -> Settings:
    """The settings of the environment; where these mean an embedded catalog that nobody uses while another
    below the state folder is at work, as a demo's, that one's.

    Raises `Misconfigured` where there are several of those.
    """
    from escolta.catalog.embedded import address_in_use, catalogs_in_use

    settings = load_settings()
    kind, _, folder = settings.catalog_url.partition("://")
    if kind != "embedded" or address_in_use(Path(folder)):
        return settings
    found = [catalog.parent for catalog in catalogs_in_use(settings.state_dir)]
    if len(found) > 1:
        raise Misconfigured(f"several are at work: say --state-dir and one of {', '.join(map(str, found))}")
    if not found:
        return settings
    print(f"escolta: in {found[0]}, which is at work", file=sys.stderr)
    return settings_in(found[0])
