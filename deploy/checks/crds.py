"""The objects of the operators against their schemas, as far as we use them.

A cluster drops a field that it does not know, without a word. So `schemas/` says of each kind which fields we
use and of which type they are, in our own words after the versions named there; all else is wrong.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema

from checks.parts import Part, named

SCHEMAS = Path(__file__).parent / "schemas"
BUILT_IN = ("apps/", "batch/", "policy/", "networking.k8s.io/", "autoscaling/", "v1")
"""What kubernetes-validate knows."""


def wrong_custom_objects(parts: Sequence[Part]) -> list[str]:
    """Where a field is unknown, or of another type."""
    wrong = []
    for part in parts:
        if part["apiVersion"].startswith(BUILT_IN):
            continue
        schema = SCHEMAS / f"{part['kind']}.json"
        if not schema.exists():
            wrong.append(f"{named(part)}: nobody has said what an object of {part['apiVersion']} may say")
            continue
        validator = jsonschema.Draft202012Validator(json.loads(schema.read_text("utf-8")))
        wrong += [
            f"{named(part)}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
            for error in validator.iter_errors(part)
        ]
    return wrong
