"""Writes the digest behind the tag of each image that is not ours, wherever one is named: `make pin`.

It asks the registries with `docker buildx`, so it wants Docker and the internet. With --check it asks nobody
and says what has no digest; a release has to pass that.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(
    r"(?P<before>\bimage(?:Name)?: |^FROM )(?P<image>[a-z0-9./_-]+:[\w.-]+)(?P<digest>@sha256:[0-9a-f]{64})?",
    re.M,
)
OURS = ("escolta/", "localhost/")


def files(root: Path) -> Iterator[Path]:
    """Those that name images."""
    yield from (root / "docker-compose.yml", root / "deploy/Dockerfile")
    yield from sorted((root / "deploy/k8s").rglob("*.yaml"))


def pinned(text: str, digest_of: Callable[[str], str]) -> str:
    """The text with a digest behind each tag, as it is today."""

    def with_digest(found: re.Match[str]) -> str:
        image = found["image"]
        return found[0] if image.startswith(OURS) else f"{found['before']}{image}@{digest_of(image)}"

    return NAMED.sub(with_digest, text)


def unpinned(text: str) -> list[str]:
    """Images that are not ours and have no digest."""
    return [
        found["image"]
        for found in NAMED.finditer(text)
        if not found["digest"] and not found["image"].startswith(OURS)
    ]


def digest_in_registry(image: str) -> str:
    """Of all platforms together. Ends the program with Docker's words where it cannot be had."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", done.stdout.strip()):
        words = (done.stderr or done.stdout).strip()
        sys.exit(f"{image}: no digest ({words}): docker buildx and the internet are wanted")
    return done.stdout.strip()


def main() -> None:
    """Pin, or with --check say what is not pinned and fail."""
    if "--check" not in sys.argv:
        for path in files(ROOT):
            text = path.read_text("utf-8")
            if (new := pinned(text, digest_in_registry)) != text:
                path.write_text(new, "utf-8")
        return
    missing = [
        f"{path.relative_to(ROOT)}: {image}"
        for path in files(ROOT)
        for image in unpinned(path.read_text("utf-8"))
    ]
    if missing:
        sys.exit("Another image may come under the same tag (make pin):\n" + "\n".join(missing))


if __name__ == "__main__":
    main()
