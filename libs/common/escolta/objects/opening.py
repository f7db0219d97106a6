"""Which object store a URL names."""

from pathlib import Path

from escolta.errors import Misconfigured
from escolta.objects.port import Objects
from escolta.url import scheme_of


def open_objects(url: str) -> Objects:
    """The object store that `url` names. The first verb reaches it, and makes folder or bucket if need be."""
    scheme, rest = scheme_of(url), url.partition("://")[2]
    if scheme == "file" and rest:
        from escolta.objects.files import FileObjects

        return FileObjects(Path(rest))
    if scheme == "s3":
        from escolta.objects.s3 import S3Objects

        return S3Objects.from_url(url)
    raise Misconfigured(
        f"ESCOLTA_OBJECTS_URL begins with {scheme!r}: use file://<folder> or s3://key:secret@host:port/bucket"
    )
