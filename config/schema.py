"""JSON Schema of a deployment, for editors: python -m config.schema writes config/schema.json."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.json_schema import GenerateJsonSchema

from config.section import Section
from config.settings import Settings

TARGET = Path(__file__).with_name("schema.json")


class _Written(GenerateJsonSchema):
    """Shows defaults as the YAML writes them."""

    def encode_default(self, dft: Any) -> Any:
        return super().encode_default(_written(dft))


def _written(value: Any) -> Any:
    if isinstance(value, Section):
        return {}
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if is_dataclass(value) or isinstance(value, Path) else value


def schema() -> dict[str, Any]:
    """The schema of one file. A folder's files each have a part, so nothing is required at the top."""
    made = Settings.model_json_schema(by_alias=True, schema_generator=_Written)
    made.pop("required", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Cordboard deployment",
        "description": "One file, or one of several in a folder.",
    }


def rendered() -> str:
    """The schema as it is kept: the same text for the same models."""
    return json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
