"""Who may do what in the object store, in the form that SeaweedFS reads (`-s3.config`).

No service deletes anything. Writing includes writing over: so `escolta store` has the bucket keep what was
there.
"""

import json
from collections.abc import Mapping

BUCKET = "escolta"
READ, WRITE = ("s3:GetObject",), ("s3:GetObject", "s3:PutObject")
RIGHTS = {
    "ingest": (WRITE, "audio/*"),
    "embedder": (READ, "audio/*"),
    "al-engine": (READ, "audio/*"),
    "label-gateway": (READ, "audio/*"),
    "backup": (READ, "*"),
}
"""Of each account: what it does, and to which objects. It sees the names of all."""
OPERATOR = "operator"
"""Makes the bucket, and may do everything."""


def user_of(account: str) -> str:
    """The name by which an account signs in."""
    return f"escolta-{account}"


def identities(secrets: Mapping[str, str]) -> str:
    """The file for the store; `secrets` are those of `RIGHTS` and of the operator."""
    document = {
        "identities": [
            *({**_named(name, secrets), "policyNames": [user_of(name)]} for name in RIGHTS),
            {**_named(OPERATOR, secrets), "actions": ["Admin"]},
        ],
        "policies": [
            {"name": user_of(name), "content": json.dumps(_policy(actions, objects))}
            for name, (actions, objects) in RIGHTS.items()
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _named(name: str, secrets: Mapping[str, str]) -> dict[str, object]:
    credentials = [{"accessKey": user_of(name), "secretKey": secrets[name]}]
    return {"name": user_of(name), "credentials": credentials}


def _policy(actions: tuple[str, ...], objects: str) -> dict[str, object]:
    bucket = f"arn:aws:s3:::{BUCKET}"
    allowed = (
        (actions, f"{bucket}/{objects}"),
        (("s3:ListBucket", "s3:GetBucketLocation"), bucket),
    )
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": list(verbs), "Resource": [resource]} for verbs, resource in allowed
        ],
    }
