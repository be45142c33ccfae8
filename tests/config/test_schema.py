"""The schema for editors is that of the models."""

from __future__ import annotations

import json

from config.schema import TARGET, rendered, schema
from config.settings import Settings
from config.walk import fields_of


def test_the_schema_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == rendered(), "run python -m config.schema"


def test_the_schema_has_every_section_and_refuses_others() -> None:
    made = schema()
    assert set(made["properties"]) == set(fields_of(Settings))
    objects = [part for part in made["$defs"].values() if "properties" in part]
    assert all(part["additionalProperties"] is False for part in objects)


def test_scalars_are_readable() -> None:
    definitions = schema()["$defs"]
    ring = definitions["Ring"]["properties"]["agent"]
    assert {"maximum": 60, "minimum": 3, "type": "number"} in ring["anyOf"]
    assert ring["description"] == "An agent's phone."
    forms = definitions["Agent"]["properties"]["password"]["anyOf"]
    assert [form.get("required", [form["type"]])[0] for form in forms] == ["string", "env", "file"]
    assert definitions["Sip"]["properties"]["listen"]["default"] == [
        "udp://127.0.0.1:5060",
        "tcp://127.0.0.1:5060",
    ]


def test_the_schema_is_json_as_editors_read_it() -> None:
    assert json.loads(rendered())["$schema"].startswith("https://json-schema.org/")
