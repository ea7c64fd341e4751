"""Every code block of the documentation does what it says."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from code_blocks import RUN, CodePage, read_page
from preparations import PREPARATIONS

from promises import needs

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUNNER = Path(__file__).with_name("run_blocks.py")
MOST_SECONDS = 60.0
"""Processor time of a page that is not marked as slow."""
PATIENCE = 900.0
"""Seconds after which a page hangs."""


def _name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], None]:
    """Put what a preparation makes into a folder; it is made once."""
    made: dict[str, Path] = {}

    def prepare(name: str, folder: Path) -> None:
        if name not in made:
            new = tmp_path_factory.mktemp(f"prepared-{name}")
            PREPARATIONS[name](new)
            made[name] = new
        shutil.copytree(made[name], folder, dirs_exist_ok=True)

    return prepare


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_each_block_says_what_it_is(path):
    page = read_page(path)
    assert not page.problems, "\n".join(page.problems)
    assert set(page.preparations) <= set(PREPARATIONS), "a preparation that does not exist"


def _runs(page: CodePage) -> bool:
    return any(block.language in RUN and not block.reason_not_run for block in page.blocks)


@pytest.mark.parametrize("path", [path for path in PAGES if _runs(read_page(path))], ids=_name)
def test_the_blocks_of_a_page_run(path, tmp_path, prepared):
    page = read_page(path)
    for name in page.needs:
        needs(name)
    folder = tmp_path / "page"
    folder.mkdir()
    for name in page.preparations:
        prepared(name, folder)
    seconds = run(page, path, folder, tmp_path)
    if page.slow is None:
        assert seconds <= MOST_SECONDS, (
            f"the blocks took {seconds:.0f} s of processor time; make them smaller, or say why not "
            "with <!-- slow: reason -->"
        )


def run(page: CodePage, path: Path, folder: Path, scratch: Path) -> float:
    """Run the blocks of a page in a folder; processor time that they took, s."""
    steps = [
        {
            "kind": "file" if block.file else block.language,
            "text": block.code,
            "name": block.file or str(path),
            "line": str(block.line),
        }
        for block in page.blocks
        if not block.reason_not_run and (block.file or block.language in RUN)
    ]
    (scratch / "steps.json").write_text(json.dumps(steps))
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": programs, "MPLBACKEND": "Agg", "COLUMNS": "100"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = scratch / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, str(RUNNER), str(scratch / "steps.json")],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            with suppress(ProcessLookupError):  # what a block left running in the background
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    text = output.read_text(errors="replace")
    assert code == 0, text[-6000:] + ("" if code > 0 else "\nnot finished in time")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _page(folder: Path, text: str) -> CodePage:
    path = folder / "page.md"
    path.write_text(text)
    return read_page(path)


def _trial(folder: Path, text: str) -> Path:
    page = _page(folder, text)
    assert not page.problems
    (folder / "run").mkdir()
    run(page, folder / "page.md", folder / "run", folder)
    return folder / "run"


def test_blocks_share_names_files_variables_and_folders(tmp_path):
    folder = _trial(
        tmp_path,
        "<!-- file: given.txt -->\n```text\n5\n```\n"
        "```sh\nexport SEEN=$(cat given.txt)\nmkdir sub\ncd sub\n```\n"
        "```python\nx = 2\n```\n```sh\necho $SEEN > seen\n```\n"
        "```python\nopen('x', 'w').write(str(x))\n```\n",
    )
    assert (folder / "sub/seen").read_text() == "5\n"
    assert (folder / "x").read_text() == "2"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```python\n\n1 / 0\n```", r'page.md", line 5(.|\n)*block at page.md:3 failed'),
        ("```sh\nfalse\ntrue\n```", "block at page.md:3 ended with code 1"),
        ("```sh\nfalse | true\n```", "block at page.md:3 ended with code 1"),
        ("```sh\necho $NOBODY\n```", "NOBODY: unbound variable"),
    ],
)
def test_a_block_that_fails_is_an_error(tmp_path, block, message):
    with pytest.raises(AssertionError, match=message):
        _trial(tmp_path, f"# Title\n\n{block}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```\nls\n```", "a block in no language"),
        ("```fortran\nend\n```", "a block in fortran"),
        ("```toml\na = \n```", "not toml"),
        ("```json\n{\n```", "not json"),
        ("```xml\n<a>\n```", "not xml"),
        ("```ini\na\n```", "not ini"),
        ("Do\n\n    ls\n", "indented code"),
        ("<!-- not run: never -->\n", "'not run' stands before no block"),
        ("<!-- not run:  -->\n```sh\nls\n```", "says nothing"),
    ],
)
def test_what_would_not_be_run_is_an_error(tmp_path, text, message):
    assert any(message in problem for problem in _page(tmp_path, text).problems)


def test_comments_say_what_is_done(tmp_path):
    page = _page(
        tmp_path,
        "<!-- run before: copper -->\n<!-- needs: lammps -->\n<!-- slow: a campaign -->\n"
        "<!-- not run: takes a day -->\n```sh\nsleep 86400\n```\n- item\n\n    more of it\n"
        "- other\n\n    ```python\n    x = 1\n    ```\n",
    )
    assert not page.problems
    assert (page.preparations, page.needs, page.slow) == (["copper"], ["lammps"], "a campaign")
    assert [block.reason_not_run for block in page.blocks] == ["takes a day", None]
    assert page.blocks[1].code == "x = 1\n"
