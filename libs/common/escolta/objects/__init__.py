"""The object store: recordings and other blobs, under keys that their writers chose.

Two adapters, chosen by the URL: `file://<folder>` (one machine; a folder without a leading `/` is relative to
the working folder) and `s3://key:secret@host:port/bucket` (any S3 store; `?secure=true` for TLS; a key or
secret with special characters is percent-encoded).
"""

from escolta.objects.opening import open_objects
from escolta.objects.port import Grant, Objects, Stored

__all__ = ["Grant", "Objects", "Stored", "open_objects"]
