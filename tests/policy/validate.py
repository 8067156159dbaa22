"""Validates JSON against a schema, as far as docs/uidmap-check.schema.json uses the language: validate.py SCHEMA JSON"""

import json
import sys

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_of_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def validate(value, schema, path):
    if "$ref" in schema:
        schema = ROOT["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    known = {"$schema", "$defs", "title", "description", "type", "enum", "minimum", "required", "properties", "items"}
    assert set(schema) <= known, f"{path}: the schema uses {set(schema) - known}"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    assert not types or any(is_of_type(value, name) for name in types), f"{path}: {value!r} is not of {types}"
    assert "enum" not in schema or value in schema["enum"], f"{path}: {value!r} is not in the enumeration"
    assert "minimum" not in schema or value >= schema["minimum"], f"{path}: {value!r} is too small"
    if isinstance(value, dict):
        missing = set(schema.get("required", [])) - set(value)
        assert not missing, f"{path}: without {missing}"
        for name, member in value.items():
            # Stricter than the schema: this version has no other members.
            assert name in schema["properties"], f"{path}: {name} is not in the schema"
            validate(member, schema["properties"][name], f"{path}/{name}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            validate(item, schema["items"], f"{path}/{index}")


with open(sys.argv[1], encoding="utf-8") as file:
    ROOT = json.load(file)
try:
    validate(json.loads(sys.argv[2]), ROOT, "")
except AssertionError as error:
    sys.exit(str(error))
