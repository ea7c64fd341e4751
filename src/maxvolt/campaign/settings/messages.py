"""What is wrong with a campaign file: every message names the key, what is expected, a remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from maxvolt.errors import nearest_name

__all__ = ["describe_errors"]

_EXPECTED = {
    "int_type": ("a whole number", "write it without quotes and decimal point"),
    "int_from_float": ("a whole number", "write it without decimal point"),
    "float_type": ("a number", "write it without quotes"),
    "bool_type": ("true or false", "write it without quotes"),
    "string_type": ("text", "put it in quotes"),
    "tuple_type": ("a list", "put it in brackets: [...]"),
    "dict_type": ("a table", "write keys and values below [{key}]"),
    "model_type": ("a table", "write keys and values below [{key}]"),
    "model_attributes_type": ("a table", "write keys and values in it"),
    "finite_number": ("a finite number", "write a number"),
}
"""By pydantic's type of error: what is expected, what to do."""

_LIMITS = {
    "greater_than": ("gt", "above {}"),
    "greater_than_equal": ("ge", "of at least {}"),
    "less_than": ("lt", "below {}"),
    "less_than_equal": ("le", "of at most {}"),
    "multiple_of": ("multiple_of", "that is a multiple of {}"),
}


def describe_errors(
    error: ValidationError, stage: int | None, own: Collection[str], model: type[BaseModel]
) -> list[str]:
    """One line for each thing that is wrong.

    Parameters
    ----------
    error
        Of the validation of the settings of a stage.
    stage
        Its index, None for a file without stages.
    own
        Sections that the stage has of its own: there the fault lies in it.
    model
        What was validated.
    """
    schema = model.model_json_schema(by_alias=True)
    found = error.errors(include_url=False)
    deeper = [details["loc"] for details in found if details["type"] != "too_short"]
    messages: dict[str, list[str]] = {}
    for details in found:
        at = details["loc"]
        if details["type"] == "missing" and isinstance(at[-1], int):
            at = at[:-1]  # it is the list that is too short
        if details["type"] == "too_short" and any(loc[: len(at)] == at for loc in deeper):
            continue  # too short only because its entries are wrong
        place = _Place(schema, at, stage, own)
        messages.setdefault(place.where, []).append(place.message(details))
    return [" or: ".join(dict.fromkeys(said)) for said in _grouped(messages)]


def _grouped(messages: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Messages about each place: a value that may be of several kinds fails in several ways."""
    for where, said in messages.items():
        first, *others = said
        yield [first, *(text.removeprefix(f"{where}: ") for text in others)]


class _Place:
    """Where in the file an error is, and what the schema expects there."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        location: Sequence[int | str],
        stage: int | None,
        own: Collection[str],
    ) -> None:
        self._definitions = schema.get("$defs", {})
        self.parent: Mapping[str, Any] = schema
        self.node: Mapping[str, Any] = schema
        self.path: list[str] = []
        self._kinds: Mapping[str, Mapping[str, Any]] = {}
        self._kind = self._key_of_kind = ""
        for part in location:
            self._enter(part)
        section = self.path[0].partition(" ")[0] if self.path else ""  # without its number
        in_stage = section in own or section == "stage"
        if self.path and self.path[0] == "stage":
            self.path = self.path[1:]
        if stage is not None and in_stage:
            self.path.insert(0, f"stage {stage + 1}")

    def _enter(self, part: int | str) -> None:
        node = self._section(self._resolved(self.node))
        properties = node.get("properties", {})
        if isinstance(part, int):
            self.node = node.get("items") or (node.get("prefixItems") or [{}] * (part + 1))[part]
            if self.path and not self._is_numbered:
                self.path[-1] += f" {part + 1}"
        elif part in properties:
            self.parent, self.node = node, properties[part]
            self.path.append(part)
        elif part in node.get("discriminator", {}).get("mapping", {}):
            kinds = node["discriminator"]["mapping"]
            self.node = {"$ref": kinds[part]}
            self._kinds = {kind: self._resolved({"$ref": at}) for kind, at in kinds.items()}
            self._kind, self._key_of_kind = part, node["discriminator"]["propertyName"]
        elif isinstance(node.get("additionalProperties"), Mapping):
            self.node = node["additionalProperties"]
            self.path.append(part)
        elif "anyOf" in node:
            pass  # name of a member of a union: no key of the file
        else:
            self.parent, self.node = node, {}
            self.path.append(part)

    def _section(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give a section that may be left out, where a node is one: what it is if it is there."""
        there = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
        if len(there) == 1 and "properties" in (section := self._resolved(there[0])):
            return section
        return node

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            node = self._definitions[node["$ref"].rpartition("/")[2]]
        return node

    @property
    def _is_numbered(self) -> bool:
        """Whether this is one of several: an entry of ``[[stage.scenario]]``."""
        return bool(self.path) and self.path[-1].rpartition(" ")[2].isdigit()

    @property
    def _is_table(self) -> bool:
        """Whether this is a section of its own, as ``[stage.melting]``."""
        return not self._is_numbered and "properties" in self._section(self._resolved(self.node))

    @property
    def where(self) -> str:
        """Section and key as in the file: ``[fit] scaling``; nothing for the file as a whole."""
        if not self.path:
            return ""
        section, keys = self.path[0], self.path[1:]
        tables = section.startswith("stage ") and (len(keys) > 1 or self._is_table)
        if (tables or section == "structures") and keys:
            section, keys = f"{section}.{keys[0]}", keys[1:]
        return f"[{section}] {'.'.join(keys)}".strip()

    def message(self, details: ErrorDetails) -> str:
        """Say what is wrong."""
        kind, given = details["type"], details["input"]
        key = self.path[-1] if self.path else ""
        meaning = str(self.node.get("description", "")).rstrip(".")
        if kind == "extra_forbidden":
            return f"{self.where}: unknown key; {self._nearest(key)}"
        if kind == "missing" and isinstance(details["loc"][-1], int):
            return f"{self.where}: {self._incomplete(given, meaning)}"
        if kind == "missing":
            described = f" ({meaning})" if meaning else ""
            return f"{self.where}: is missing{described}; add it"
        if kind == "value_error":
            return f"{self.where}: {details['ctx']['error']}".removeprefix(": ")
        if kind in ("literal_error", "union_tag_invalid", "union_tag_not_found"):
            return f"{self.where}: {self._choices(details)}"
        expected, remedy = self._expected(details)
        remedy = remedy.format(key=key)
        described = f" ({meaning})" if meaning else ""
        return f"{self.where}: expected {expected}, found {_shown(given)}; {remedy}{described}"

    def _incomplete(self, given: object, meaning: str) -> str:
        """Say how many entries a list has, of which some are missing."""
        kinds = [self._resolved(one) for one in (self.node, *self.node.get("anyOf", ()))]
        count = max(len(one.get("prefixItems", ())) for one in kinds)
        described = f" ({meaning})" if meaning else ""
        return f"expected {count} entries, found {_shown(given)}; complete the list{described}"

    def _nearest(self, key: str) -> str:
        of = [kind for kind, node in self._kinds.items() if key in node.get("properties", {})]
        if of and self.parent is self._kinds[self._kind]:
            others = " or ".join(repr(kind) for kind in of)
            name = self._key_of_kind
            return f"it goes with {name} = {others}, not with {self._kind!r}: remove it"
        known = [name for name in self.parent.get("properties", {}) if name != "stage"]
        if near := nearest_name(key, known):
            return f"did you mean {near!r}?"
        return f"remove it, or use one of {', '.join(known)}"

    def _choices(self, details: ErrorDetails) -> str:
        context = details.get("ctx", {})
        if details["type"] == "literal_error":
            return f"expected {context['expected']}, found {details['input']!r}; write one of these"
        if details["type"] == "union_tag_not_found":
            tags = ", ".join(repr(t) for t in self._tags())
            return f"kind is missing; expected kind = one of {tags}"
        return (
            f"expected kind = one of {context['expected_tags']}, found {context['tag']!r}; "
            "write one of these"
        )

    def _tags(self) -> list[str]:
        return list(self._resolved(self.node).get("discriminator", {}).get("mapping", {}))

    def _expected(self, details: ErrorDetails) -> tuple[str, str]:
        kind, context = details["type"], details.get("ctx", {})
        if kind in _EXPECTED:
            return _EXPECTED[kind]
        if kind in _LIMITS:
            name, words = _LIMITS[kind]
            return "a number " + words.format(context[name]), "change the value"
        if kind in ("too_short", "too_long"):
            least, most = context.get("min_length"), context.get("max_length")
            words = f"at least {least}" if least is not None else f"at most {most}"
            count = least if least is not None else most
            return f"{words} entr{'y' if count == 1 else 'ies'}", "change the list"
        return details["msg"].lower(), "change the value"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
