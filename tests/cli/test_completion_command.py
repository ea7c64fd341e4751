import shutil
import subprocess

import pytest

from maxvolt.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "cut-neighborhood" in script
    assert "--weight-scaling" in script or "weight-scaling" in script


def test_bash_completes_commands_options_and_files(tmp_path, capsys):
    assert shutil.which("bash"), "bash is part of every machine that runs the tests"
    assert main(["completion", "bash"]) == 0
    (tmp_path / "complete.sh").write_text(capsys.readouterr().out)
    (tmp_path / "train.xyz").touch()

    def completed(*words):
        ask = (
            "source complete.sh\n"
            f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}\n"
            '_shtab_maxvolt; echo "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            ["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert completed("maxvolt", "gr") == ["grade"]
    assert completed("maxvolt", "train", "--radial-b") == ["--radial-basis-size"]
    assert "train.xyz" in completed("maxvolt", "train", "tr")
