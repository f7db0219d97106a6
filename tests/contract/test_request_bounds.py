"""Whatever a request may say over HTTP has a bound: what is beyond it is 422, and no 500 of the catalog."""

from collections.abc import Iterator
from typing import Any

import pytest

from escolta.app import make_app
from escolta.runtime import find_services
from escolta.service import Platform

Schema = dict[str, Any]


@pytest.fixture
def document(platform: Platform) -> Schema:
    return make_app(platform, [build(platform) for build in find_services()]).openapi()


def asked(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Every value that a caller may choose: parameters, and what stands in bodies."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "header":  # the server bounds those
                    yield from values(document, f"{method} {path}: {parameter['name']}", parameter["schema"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from values(document, f"{method} {path}", content["schema"])


def values(document: Schema, name: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield name, schema
    for option in schema.get("anyOf", []):
        yield from values(document, name, option)
    for field, inner in schema.get("properties", {}).items():
        yield from values(document, f"{name}.{field}", inner)
    if "items" in schema:
        yield from values(document, f"{name}[]", schema["items"])


def test_every_number_text_and_list_of_a_request_has_a_bound(document: Schema) -> None:
    unbounded = []
    for name, schema in asked(document):
        kind = schema.get("type")
        if kind == "integer" and not {"maximum", "exclusiveMaximum"} & set(schema):
            unbounded.append(name)
        if kind == "array" and "maxItems" not in schema:
            unbounded.append(name)
        if kind == "string" and not {"maxLength", "format", "enum", "const", "pattern"} & set(schema):
            unbounded.append(name)
    assert "; ".join(unbounded) == ""
