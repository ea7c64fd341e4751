from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from maxvolt.cli import md
from maxvolt.errors import DataError
from maxvolt.sampling import hold, oscillation, parse_schedule, ramp


def test_pieces_follow_each_other():
    schedule = ramp(300, 2000, 100) + hold(2000, 50) + oscillation(2000, 100, 40, 80)
    assert schedule.steps == 230
    assert schedule.value(0) == 300
    assert schedule.value(50) == pytest.approx(1150)
    assert schedule.value(100) == schedule.value(149) == 2000
    assert schedule.value(160) == pytest.approx(2100)
    assert schedule.value(180) == pytest.approx(1900)
    assert schedule.value(230) == schedule.value(10**6) == pytest.approx(2000)
    assert not schedule.is_constant
    assert hold(5.0).is_constant
    assert (hold(5.0, 3) + hold(5.0)).is_constant
    assert not (hold(5.0, 3) + hold(6.0)).is_constant
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_strains_change_together():
    schedule = ramp((0.0,) * 6, (0.1, 0, 0, 0, 0, -0.02), 10)
    assert schedule.shape == (6,)
    np.testing.assert_allclose(schedule.at(5), [0.05, 0, 0, 0, 0, -0.01])


def test_text():
    assert parse_schedule("900").value(7) == 900
    written = "ramp 300 2000 100; hold 2000 50; oscillation 2000 100 40 80"
    assert parse_schedule(written) == ramp(300, 2000, 100) + hold(2000, 50) + oscillation(
        2000, 100, 40, 80
    )


def test_each_kind_of_piece_is_told_where_schedules_are_written():
    docs = Path(__file__).resolve().parents[2] / "docs" / "sampling.md"
    texts = [md.DESCRIPTION, docs.read_text(encoding="utf-8")]
    with pytest.raises(DataError) as caught:
        parse_schedule("warm")
    numbers = {"hold": 1, "ramp": 2, "oscillation": 3, "nonequilibrium": 4}
    for kind, count in numbers.items():
        parse_schedule(" ".join([kind, *["1"] * count, "9"]))
        for text in [*texts, str(caught.value)]:
            assert re.search(rf"\b{kind}(\s+[A-Z0-9]+){{{count + 1}}}", text), (kind, text)


@pytest.mark.parametrize(
    "text", ["", "warm", "ramp 1 2", "ramp 1 2 3 4", "hold 3 0", "hold 1 2.5", "jump 1 2 3", "nan"]
)
def test_other_text_is_refused(text):
    with pytest.raises(DataError, match=r"schedule|step"):
        parse_schedule(text)


def test_mixed_pieces_are_refused():
    with pytest.raises(DataError, match="all of one length"):
        hold(1.0) + hold((1.0,) * 6)
    with pytest.raises(DataError, match="period"):
        oscillation(1, 1, 0, 10)


def test_values_in_other_units():
    schedule = (ramp(1, 3, 10) + oscillation(2, 1, 4, 10)).scaled(10)
    assert schedule.value(5) == pytest.approx(20)
    assert schedule.value(11) == pytest.approx(30)
    np.testing.assert_allclose(hold((1, 2), 3).scaled(2).at(0), [2, 4])
