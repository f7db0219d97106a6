"""Events whose every number, text, time and list is as small or as large as it may be."""

from typing import Any

from hypothesis import strategies as st

from escolta.events import Event
from escolta.fields import EARLIEST, LATEST

Schema = dict[str, Any]
NODE = "n" * 63


def resolved(schema: Schema, event: type[Event]) -> Schema:
    """`schema` itself, or what it refers to; of a field that may be null, what it is if not."""
    if "anyOf" in schema:
        schema = next(option for option in schema["anyOf"] if option.get("type") != "null")
    if "$ref" in schema:
        return event.model_json_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def least(schema: Schema) -> int:
    return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)


def at_its_bounds(schema: Schema, event: type[Event]) -> st.SearchStrategy[Any]:
    """JSON in which numbers, texts, times and lists are as small or as large as they may be."""
    schema = resolved(schema, event)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "patternProperties" in schema:
        return st.sampled_from([0, schema["maxProperties"]]).map(
            lambda number: {f"x-amz-{chr(97 + place)}": "~" * 2048 for place in range(number)}
        )
    if "properties" in schema:
        fields = {name: at_its_bounds(field, event) for name, field in schema["properties"].items()}
        return st.fixed_dictionaries(fields)
    if "prefixItems" in schema:
        return st.sampled_from([[0, 24], [24, 0], [22, 6]])
    if schema["type"] == "array":
        item = at_its_bounds(schema["items"], event)
        return st.tuples(st.sampled_from([0, schema["maxItems"]]), item).map(
            lambda drawn: [drawn[1]] * drawn[0]
        )
    if schema["type"] in ("integer", "number"):
        return st.sampled_from([least(schema), schema["maximum"]])
    if schema["type"] == "boolean":
        return st.booleans()
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if schema.get("format") == "date-time":
        return st.sampled_from([EARLIEST.isoformat(), LATEST.isoformat(), "2024-02-29T23:59:59.999999+14:00"])
    if schema.get("format") == "uri":
        return st.sampled_from(["", "https://store/".ljust(schema["maxLength"], "~")])
    if "pattern" in schema:
        return st.just("0" * 64 if "64" in schema["pattern"] else NODE)
    letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    return letters.map(lambda letter: letter * schema["maxLength"])


def events(event: type[Event]) -> st.SearchStrategy[Any]:
    """Looked at when they are drawn: a field without a bound is named by the test of bounds."""
    return st.deferred(lambda: at_its_bounds(event.model_json_schema(), event).map(event.model_validate))
