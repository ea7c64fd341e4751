"""The check on the sizes of modules and functions."""

from __future__ import annotations

from pathlib import Path

import pytest
import sizes

SHORT = '''def work():
    """Do it.

    At length.
    """

    class Inner:
        async def rest(self):
            pass
'''


def source(root: Path, text: str) -> Path:
    path = root / "src" / "module.py"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_docstrings_do_not_count(tmp_path: Path) -> None:
    path = source(tmp_path, SHORT)
    assert list(sizes.function_sizes(path, tmp_path)) == [
        (5, "src/module.py:1 work"),
        (2, "src/module.py:8 rest"),
    ]
    assert sizes.module_size(path, tmp_path) == (9, "src/module.py")


def test_what_is_short_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source(tmp_path, SHORT)
    assert sizes.main(tmp_path) == 0
    assert "TOO LONG" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("\n" * (sizes.MODULE_LINES + 1), f"{sizes.MODULE_LINES + 1}  src/module.py  TOO LONG"),
        (
            "def long():\n" + "    pass\n" * sizes.FUNCTION_LINES,
            f"{sizes.FUNCTION_LINES + 1}  src/module.py:1 long  TOO LONG",
        ),
    ],
)
def test_what_is_too_long_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    source(tmp_path, text)
    assert sizes.main(tmp_path) == 1
    assert complaint in capsys.readouterr().out


def test_at_the_limit_passes(tmp_path: Path) -> None:
    source(tmp_path, "\n" * sizes.MODULE_LINES)
    assert sizes.main(tmp_path) == 0
