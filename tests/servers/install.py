"""Programs that pip cannot give: found, or installed by apt as root on Debian, else the test is skipped."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

POLICY = Path("/usr/sbin/policy-rc.d")


def found_or_installed(find: Callable[[], str | None], package: str) -> str | None:
    """What `find` finds, now or after Debian's `package` was installed; None if that cannot be."""
    if (found := find()) or not _can_install():
        return found
    with _one_at_a_time():
        return find() or (find() if _install(package) else None)


def missing(what: str) -> NoReturn:
    """Skip the test, but fail where everything has to be there: in continuous integration."""
    if os.environ.get("ESCOLTA_TEST_CI") == "true":
        pytest.fail(f"{what}: continuous integration must provide it")
    pytest.skip(what)


def _can_install() -> bool:
    release = Path("/etc/os-release")
    debian = release.exists() and "ID=debian" in release.read_text().splitlines()
    return debian and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(package: str) -> bool:
    install = ["apt-get", "install", "-y", "--no-install-recommends", package]
    with _no_service_started():
        return _apt(install) or (_apt(["apt-get", "update"]) and _apt(install))


def _apt(command: list[str]) -> bool:
    wait_for_others = ["-o", "DPkg::Lock::Timeout=300"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run([*command, *wait_for_others], env=environment, capture_output=True).returncode == 0


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Tests run in several processes, and one of them might lift what `_no_service_started` forbids."""
    folder = os.open(POLICY.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _no_service_started() -> Iterator[None]:
    """Debian starts the services of a package it installs, unless this script forbids it."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
