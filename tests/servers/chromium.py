"""A browser for the page tests."""

import shutil

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def browser_program() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for name in (*PROGRAMS, MAC) if (path := shutil.which(name))), None)
