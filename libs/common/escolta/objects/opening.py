"""Which object store a URL names."""

from pathlib import Path

from escolta.errors import Misconfigured
from escolta.objects.cold import WithCold
from escolta.objects.port import SETTING, Objects
from escolta.url import scheme_of

COLD_SETTING = "ESCOLTA_COLD_OBJECTS_URL"


def open_objects(url: str, upload_url: str = "", cold_url: str = "") -> Objects:
    """The object store that `url` names. The first verb reaches it, and makes a bucket if need be; a folder
    is made by the first `grant` or `put`.

    `upload_url`: where nodes reach it with a grant, if that is elsewhere. `cold_url`: where its old objects
    are, if they are moved.
    """
    hot = _opened(url, upload_url, SETTING)
    return WithCold(hot, _opened(cold_url, "", COLD_SETTING)) if cold_url else hot


def _opened(url: str, upload_url: str, setting: str) -> Objects:
    scheme, rest = scheme_of(url), url.partition("://")[2]
    if scheme == "file" and rest:
        from escolta.objects.files import FileObjects

        return FileObjects(Path(rest), setting)
    if scheme == "s3":
        try:
            from escolta.objects.s3 import S3Objects
        except ModuleNotFoundError as error:  # a node has no such client: it is granted what it uploads
            raise Misconfigured(
                f"{setting} begins with 's3', which needs {error.name}: a node leaves it unset, a "
                "service takes pip install 'escolta-common[s3]'"
            ) from None
        return S3Objects.from_url(url, upload_url, setting)
    raise Misconfigured(
        f"{setting} begins with {scheme!r}: use file://<folder> or s3://key:secret@host:port/bucket"
    )
