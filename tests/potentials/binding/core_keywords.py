"""What a model hands to the compiled core, to be changed and handed over again."""

from __future__ import annotations

from typing import Any

import pytest

from maxvolt.compiled import _core
from maxvolt.potentials.mtp.model import Model, compile_model

PARTS = {
    "radial": _core.RadialArrays,
    "repulsion": _core.RepulsionArrays,
    "moments": _core.MomentArrays,
    "plan": _core.PlanArrays,
}


def core_keywords(model: Model) -> dict[str, Any]:
    """Record the keywords of `Core`; those of its parts are dictionaries."""
    recorded: dict[str, Any] = {}

    def record(part: str) -> Any:
        def make(**keywords: Any) -> Any:
            recorded[part] = keywords
            return PARTS[part](**keywords)

        return make

    with pytest.MonkeyPatch.context() as patch:
        for part, kind in PARTS.items():
            patch.setattr(_core, kind.__name__, record(part))
        patch.setattr(_core, "Core", lambda **keywords: recorded.update({**keywords, **recorded}))
        compile_model(model)
    return recorded


def core_of(keywords: dict[str, Any], /, **changes: Any) -> _core.Core:
    """Make a core of recorded keywords, some of them (of any part) changed."""
    given = {
        name: {**value, **{k: changes.pop(k) for k in list(changes) if k in value}}
        if name in PARTS
        else changes.pop(name, value)
        for name, value in keywords.items()
    }
    assert not changes, f"there is no keyword {list(changes)}"
    return _core.Core(
        **{name: PARTS[name](**v) if name in PARTS else v for name, v in given.items()}
    )
