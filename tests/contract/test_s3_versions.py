"""A bucket that keeps what is written over or deleted, as every deployment's does (`escolta store`)."""

import io
from urllib.parse import urlsplit

import pytest
from contract.stores import KEY

from escolta.errors import ObjectMissing
from escolta.objects.s3 import S3Objects
from servers.seaweed import client_of

BESIDE = f"{KEY}.bak"


async def test_what_is_deleted_leaves_no_version_behind(s3_url: str) -> None:
    objects, client, bucket = S3Objects.from_url(s3_url), client_of(s3_url), urlsplit(s3_url).path[1:]
    await objects.make_bucket()
    for data in (b"sound", b"written over"):
        client.put_object(bucket, KEY, io.BytesIO(data), len(data))
    await objects.put(BESIDE, b"another")
    await objects.delete(KEY)
    with pytest.raises(ObjectMissing):
        await objects.get(KEY)
    left = client.list_objects(bucket, recursive=True, include_version=True)
    assert [(version.object_name, version.is_delete_marker) for version in left] == [(BESIDE, False)]
    await objects.delete(KEY)  # again, it is no harm
    assert await objects.get(BESIDE) == b"another"
