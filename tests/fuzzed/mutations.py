"""What a broken or hostile sender may send: sense, nearly sense, and noise. The same for the same seed."""

import json
import random
import struct
from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

from escolta.events import Event

Schema = dict[str, Any]

ODD_TEXTS = ("", " ", "\0", "a\0b", "é" * 300, "𐍈", "../../etc/passwd", "quay-1", "'; DROP TABLE x;--")
ODD_VALUES: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 2**15, 2**31, 2**63, -(2**63) - 1, 10**400, 0.1, -1e308, 1e-320),
    *ODD_TEXTS,
    *([], {}, [[]], {"": None}, [None] * 300, "x" * 70_000),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-30T00:00:00Z", "NaN", "Infinity"),
)
NOISE = (
    *(b"", b"\0", b"\xff\xfe", b"{", b"[" * 2000, b'{"a":' * 500, b"NaN", b'"\\ud800"', b"{}"),
    *(b"\xef\xbb\xbf{}", b"{}" * 300_000, b" " * (2 << 20)),
)
NUMBERS = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated_bytes(chance: random.Random, data: bytes) -> bytes:
    """`data` with one to eight faults: bytes changed, cut off, doubled, put in, numbers at extremes."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        place = chance.randrange(len(changed)) if changed else 0
        length = chance.choice((1, 2, 4, 16, 256))
        kind = chance.randrange(6)
        if kind == 0:
            changed[place : place + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del changed[place:]
        elif kind == 2:
            del changed[place : place + length]
        elif kind == 3:
            changed[place:place] = changed[place : place + length]
        elif kind == 4:
            changed[place:place] = chance.randbytes(length)
        else:
            order = chance.choice("<>")
            changed[place : place + 4] = struct.pack(f"{order}I", chance.choice(NUMBERS))
    return bytes(changed)


def mutated_header(chance: random.Random, data: bytes) -> bytes:
    """`data` with faults where a sound says what it is: in its first bytes."""
    length = min(len(data), chance.choice((16, 64, 200)))
    return mutated_bytes(chance, data[:length]) + data[length:]


def mutated_json(chance: random.Random, document: Any) -> bytes:
    """`document` with one to three odd values, fields more or fewer; or noise in its place."""
    if chance.random() < 0.1:
        return chance.choice(NOISE)
    whole = [json.loads(json.dumps(document))]
    for _ in range(chance.choice((1, 1, 2, 3))):
        _change(chance, whole)
    body = json.dumps(whole[0], ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutated_bytes(chance, body) if chance.random() < 0.2 else body


def _change(chance: random.Random, whole: list[Any]) -> None:
    place: Any = whole
    key: Any = 0
    while isinstance(place[key], dict | list) and place[key] and chance.random() < 0.9:
        place = place[key]
        key = chance.choice(sorted(place)) if isinstance(place, dict) else chance.randrange(len(place))
    kind = chance.random()
    if kind < 0.7 or not isinstance(place, dict):
        place[key] = deepcopy(chance.choice(ODD_VALUES))  # which may be changed next
    elif kind < 0.85:
        del place[key]
    else:
        place[chance.choice(ODD_TEXTS)] = place[key]


def sense(chance: random.Random, event: type[Event], **chosen: Any) -> dict[str, Any]:
    """The fields of an event that says something possible; `chosen` ones as they are."""
    document = event.model_json_schema()
    return {
        name: chosen[name] if name in chosen else fitting(chance, field, document)
        for name, field in document["properties"].items()
    }


def fitting(chance: random.Random, schema: Schema, document: Schema) -> Any:
    """A value that fits `schema`; references lead into `document`."""
    if "anyOf" in schema:
        return fitting(chance, chance.choice(schema["anyOf"]), document)
    if "$ref" in schema:
        place: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        return fitting(chance, place, document)
    if "enum" in schema or "const" in schema:
        return chance.choice(schema.get("enum", [schema.get("const")]))
    if "properties" in schema:
        return {name: fitting(chance, field, document) for name, field in schema["properties"].items()}
    if "prefixItems" in schema:
        return [fitting(chance, item, document) for item in schema["prefixItems"]]
    kind = schema.get("type", "null")
    if kind == "array":
        most = min(schema.get("maxItems", 3), 3)
        return [fitting(chance, schema.get("items", {}), document) for _ in range(chance.randint(0, most))]
    if kind == "integer":
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return chance.choice((least, least + 1, min(schema.get("maximum", 100), least + 100)))
    if kind == "number":
        return round(chance.uniform(0, 100), 2)
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "object":
        return {}
    return _text(chance, schema) if kind == "string" else None


def _text(chance: random.Random, schema: Schema) -> str:
    if schema.get("format") == "uuid":
        return str(UUID(bytes=chance.randbytes(16), version=4))
    if schema.get("format") == "date-time":
        return f"20{chance.randint(10, 25)}-0{chance.randint(1, 9)}-{chance.randint(10, 28)}T10:00:00Z"
    if schema.get("format") == "uri":
        return chance.choice(("", "http://127.0.0.1:9/audio/a.wav"))  # where nobody listens
    pattern = schema.get("pattern", "")
    if "64" in pattern:
        return chance.randbytes(32).hex()
    if "a-z" in pattern:
        return f"quay-{chance.randint(1, 9)}"
    return chance.choice(("horn", "gull", "é", "a sentence with words", "x"))[: schema.get("maxLength", 100)]
