"""The virtual environment that make sets up, with Pythons that only say which version they are."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Answers as the Python of a version does; a virtual environment holds a copy of itself.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-V ") echo "Python {version}" ;;
  "-c import"*) test {new} = yes ;;
  "-m venv")
    rm -rf "$4"
    mkdir -p "$4/bin"
    cp "$0" "$4/bin/python"
    cp pip "$4/bin/pip" ;;
  "-m plan") echo "planned with {version}" ;;
  *) exit 9 ;;
esac
"""
INSTALLING = "Installing requirements.txt into venv/, about a minute"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Makefile", "local/environment"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.txt").touch()
    for version in ("3.10.13", "3.11.7", "3.12.1"):
        new = "no" if version == "3.10.13" else "yes"
        program(tmp_path / version, PYTHON.format(version=version, new=new))
    program(tmp_path / "pip", "#!/bin/sh\nexit 0\n")
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def plan(project: Path, python: str = "./3.11.7") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "plan", f"PYTHON={python}"],
        cwd=project,
        # Without a uv that this machine has.
        env={"PATH": f"{project / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_the_first_run_says_what_takes_so_long_and_later_ones_do_not(project: Path) -> None:
    first = plan(project)
    assert (first.returncode, first.stdout) == (0, "planned with 3.11.7\n")
    assert first.stderr.splitlines() == [INSTALLING]
    later = plan(project)
    assert (later.returncode, later.stdout, later.stderr) == (0, "planned with 3.11.7\n", "")


def test_an_old_python_is_one_sentence_and_leaves_nothing(project: Path) -> None:
    done = plan(project, "./3.10.13")
    assert done.returncode != 0
    message, made = done.stderr.splitlines()
    assert message == (
        "error: Python 3.11 or later is required, but ./3.10.13 is Python 3.10.13. "
        "Select another: make PYTHON=python3.12"
    )
    assert made.startswith("make: ***")
    assert not (project / "venv").exists()
    assert plan(project).returncode == 0


def test_a_python_that_is_not_there_is_one_sentence(project: Path) -> None:
    message, _ = plan(project, "./3.99").stderr.splitlines()
    assert message.startswith("error: ./3.99 does not run. Install Python 3.11 or later")


def test_an_environment_of_an_old_python_is_made_again(project: Path) -> None:
    (project / "venv" / "bin").mkdir(parents=True)
    shutil.copy(project / "3.10.13", project / "venv" / "bin" / "python")
    (project / "venv" / ".stack").touch()
    assert plan(project).stdout == "planned with 3.11.7\n"


def test_an_environment_whose_python_is_gone_is_made_again(project: Path) -> None:
    plan(project)
    python = project / "venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    done = plan(project, "./3.12.1")
    assert (done.returncode, done.stdout) == (0, "planned with 3.12.1\n")
    assert done.stderr.splitlines() == [INSTALLING]


def test_an_environment_that_runs_needs_no_other_python(project: Path) -> None:
    plan(project)
    assert plan(project, "./3.10.13").stdout == "planned with 3.11.7\n"


def test_an_installation_that_failed_is_tried_again(project: Path) -> None:
    program(project / "pip", "#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    assert "no network" in plan(project).stderr
    program(project / "venv" / "bin" / "pip", "#!/bin/sh\nexit 0\n")
    assert plan(project).stderr.splitlines() == [INSTALLING]


def test_uv_installs_the_same_lock_where_it_is_on_path(project: Path) -> None:
    program(project / "pip", "#!/bin/sh\necho 'pip ran' >&2\nexit 1\n")
    (project / "bin").mkdir()
    program(project / "bin" / "uv", '#!/bin/sh\necho "$@" > uv.txt\n')
    assert plan(project).stdout == "planned with 3.11.7\n"
    arguments = (project / "uv.txt").read_text().split()
    assert arguments[:2] == ["pip", "install"]
    assert arguments[-3:] == ["--require-hashes", "-r", "requirements.txt"]
    assert arguments[arguments.index("--python") + 1] == "venv/bin/python"
