import re
import tomllib
from pathlib import Path

import cached_wheel
import lowest_versions
import pytest

TREE = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = (TREE / "conda/recipe.yaml").read_text(encoding="utf-8")
OF_CONDA = {"matplotlib": "matplotlib-base"}


def test_each_requirement_says_where_it_begins():
    found = lowest_versions.lowest_versions()
    assert len(found) == len(PROJECT["dependencies"])
    assert "numpy==1.26.*" in found


def test_a_requirement_without_a_beginning_is_refused(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy"]\n')
    with pytest.raises(ValueError, match="expected NAME>=VERSION, got 'numpy'"):
        lowest_versions.lowest_versions(tmp_path / "pyproject.toml")


def test_the_recipe_of_conda_asks_for_the_same():
    assert f'version: "{PROJECT["version"]}"' in RECIPE
    run = RECIPE[RECIPE.index("  run:") : RECIPE.index("\ntests:")]
    asked = re.findall(r"- ([a-z0-9-]+) >=([0-9.]+)", run)
    wanted = [re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)", line) for line in PROJECT["dependencies"]]
    expected = {(OF_CONDA.get(match[1], match[1]), match[2]) for match in wanted}
    expected.add(("python", PROJECT["requires-python"].removeprefix(">=")))
    assert set(asked) == expected
    for name, target in PROJECT["scripts"].items():
        assert f"- {name} = {target}" in RECIPE


def test_wheels_are_cached_by_content(tmp_path):
    for name in ("CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    source = tmp_path / "src/one.py"
    source.parent.mkdir()
    source.write_text("1")
    before = cached_wheel.digest(tmp_path)
    (tmp_path / "src/one.pyc").write_text("compiled")
    (tmp_path / "tests.py").write_text("no part of the wheel")
    assert cached_wheel.digest(tmp_path) == before
    source.write_text("2")
    assert cached_wheel.digest(tmp_path) != before


def test_the_cache_is_where_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("MAXVOLT_CACHE", str(tmp_path))
    assert cached_wheel.cache() == tmp_path
    monkeypatch.delenv("MAXVOLT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached_wheel.cache() == tmp_path / "maxvolt"
