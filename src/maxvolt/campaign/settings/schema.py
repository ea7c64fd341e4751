"""The JSON schema of campaign files, for editors, and where a key is found in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maxvolt.campaign.settings.stages import STAGED, Settings, StageHeader

__all__ = ["campaign_schema"]


def campaign_schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of a campaign file.

    Sections of a stage are those of the file, with nothing required.
    """
    schema = Settings.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    header = StageHeader.model_json_schema()
    stage = {**header, "title": "Stage", "properties": dict(header["properties"])}
    for name in STAGED:
        section = schema["properties"][name]
        stage["properties"][name] = _partial(section, definitions)
    definitions.pop("StageHeader", None)
    definitions["Stage"] = stage
    schema["properties"]["stage"] = {
        "description": "Stages that follow each other; by default one, of the sections above.",
        "type": "array",
        "items": {"$ref": "#/$defs/Stage"},
    }
    # A section may also stand in the stages only.
    schema["required"] = []
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "maxvolt campaign",
    }


def _partial(section: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Schema of a section whose required keys may be taken from above."""
    reference = section.get("$ref")
    if "oneOf" in section:
        # Which it is may be said above, too.
        kinds = [_partial({"$ref": one["$ref"]}, definitions) for one in section["oneOf"]]
        return {"description": "The potential to train.", "anyOf": kinds}
    if reference is None:
        return dict(section)
    whole = definitions[reference.rpartition("/")[2]]
    return {key: value for key, value in whole.items() if key != "required"}
