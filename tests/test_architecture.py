"""The examples of ARCHITECTURE.md run, and what it names is there."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from maxvolt.labelling import Reference, codes

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
EXAMPLES = {
    block.split("\n", 1)[0].removeprefix("# "): block
    for block in re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
}
PACKAGE = {path: code for path, code in EXAMPLES.items() if path.startswith("src/maxvolt/")}
TESTS = {path: code for path, code in EXAMPLES.items() if path.startswith("tests/")}


@pytest.fixture
def with_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of the examples, as if they lay in the package."""
    for path, code in PACKAGE.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")
        package = importlib.import_module(_module(path).rpartition(".")[0])
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(file.parent)])
    yield
    for path in PACKAGE:
        sys.modules.pop(_module(path), None)


def _module(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


def test_each_example_says_where_it_belongs() -> None:
    assert len(PACKAGE) == len(TESTS) == 2
    assert {*PACKAGE, *TESTS} == set(EXAMPLES)
    for path in EXAMPLES:
        assert (ROOT / path).parent.is_dir()
        assert not (ROOT / path).exists()


@pytest.mark.usefixtures("with_examples")
@pytest.mark.parametrize("path", TESTS)
def test_the_tests_of_the_examples_pass(path: str, tmp_path: Path) -> None:
    module = ModuleType("tests_of_an_example")
    exec(compile(TESTS[path], path, "exec"), module.__dict__)
    found = [test for name, test in vars(module).items() if name.startswith("test_")]
    assert len(found) == 2
    for number, test in enumerate(found):
        folder = tmp_path / str(number)
        folder.mkdir()
        test(*[folder] * test.__code__.co_argcount)


@pytest.mark.usefixtures("with_examples")
def test_the_reference_code_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codes._HOME, "pairs", "maxvolt.labelling.codes.pairs:PAIRS")
    reference = Reference("pairs", {"epsilon": 0.3}, {"command": "mpirun -n 2 pairs"})
    assert reference.complete_settings == {"sigma": 2.5, "epsilon": 0.3}
    assert reference.code.processes(reference.machine) == 1


def _named() -> set[str]:
    """Names of files and folders in the text and the tree, examples left out."""
    text = re.sub(r"^```python\n.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    marked = re.findall(r"`([\w./]+/[\w./]*|[\w/]+\.(?:py|cpp|hpp|txt|md|toml))`", text)
    tree = re.search(r"^    src/maxvolt/\n((?:^      .*\n|^$\n)+)", text, re.MULTILINE)
    assert tree is not None
    lines = tree.group(1).splitlines()
    in_tree = [word for line in lines for word in re.findall(r"^ +([\w/ .]+?)(?:  |$)", line)]
    return {*marked, *(name for names in in_tree for name in names.split())}


def test_what_it_names_is_there() -> None:
    places = [ROOT, ROOT / "src", *(ROOT / "src" / "maxvolt").glob("**/"), ROOT / "tests"]
    names = {name for name in _named() if "<" not in name}
    assert len(names) > 30
    assert {name for name in names if not any((place / name).exists() for place in places)} == set()
