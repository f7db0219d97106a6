"""A browser for the page tests."""

import shutil

PACKAGE = "chromium-headless-shell"
PROGRAMS = (PACKAGE, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""First Chromium without a window around its pages: the same engine, for a third of the processor time."""
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def browser_program() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for name in (*PROGRAMS, MAC) if (path := shutil.which(name))), None)
