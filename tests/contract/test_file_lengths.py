"""No file of code is longer than what one reads in one go."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 300
CODE = {".py", ".js", ".css", ".html", ".sh"}
FOLDERS = ("libs", "services", "tests", "deploy", "bench")


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_of_code_is_too_long(folder: str):
    files = [
        path for path in (ROOT / folder).rglob("*") if path.suffix in CODE and "vendor" not in path.parts
    ]
    assert files
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files}
    assert not {name: length for name, length in lengths.items() if length > LONGEST}
