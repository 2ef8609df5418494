"""Comments the previews of a pull request on it: python -m delivery.comment DIR.

Runs with a token that may write, on files that the pull request's code wrote. It therefore runs no
code of the pull request, takes the pull request from the run that GitHub names, and treats the
files as untrusted text.
"""

import argparse
import sys
from html import escape
from pathlib import Path

from delivery.github import BODY_LIMIT, fitting, items, own, variable, write
from plan.command import reporting
from plan.diff import MARKER

#: Files below DIR, each in the folder of its artefact.
PLAN = Path("plan-diff", "report.md")
PREVIEWS = "preview-*/*.md"
#: Maximum number of previews in a comment; there is one for each environment.
MAX_PREVIEWS = 20


def pull_request(*, source: str, branch: str, sha: str) -> int | None:
    """Return the number of the open pull request that a run was for.

    None if it is closed or has a newer commit, which has its own run. `source` is the repository of
    the commit: the same one or a fork.
    """
    owner = source.partition("/")[0]
    found = items("pulls", state="open", head=f"{owner}:{branch}")
    numbers = [int(pull["number"]) for pull in found if pull["head"]["sha"] == sha]
    return numbers[0] if len(numbers) == 1 else None


def body(folder: Path, *, run_url: str, fork: bool) -> str:
    """Return the comment for the artefacts of one run, each in a folder of its name.

    Forks get no credentials for previews, so their previews are not shown.
    """
    report = _text(folder / PLAN).removeprefix(MARKER).strip()
    parts = [MARKER, report or f"The plan failed: see [the run]({run_url})."]
    if fork:
        parts.insert(1, "_Planned by code of a fork: review that code too._")
    previews = [] if fork else sorted(folder.glob(PREVIEWS))[:MAX_PREVIEWS]
    whole = [*parts, *(_preview(file, table=True) for file in previews)]
    if sum(map(len, whole)) > BODY_LIMIT - 1000:
        whole = [*parts, *(_preview(file, table=False) for file in previews)]
    rest = f"The rest is in the artefacts of [the run]({run_url})."
    return fitting("\n\n".join(whole) + "\n", rest)


def _preview(file: Path, *, table: bool) -> str:
    """Return the first line of an environment's preview, with the rest folded."""
    summary, _, rest = _text(file).strip().partition("\n")
    title = f"<code>pulumi preview</code> of {escape(file.stem)}: {escape(summary)}"
    if not (table and rest):
        return title
    return f"<details><summary>{title}</summary>\n\n{rest.strip()}\n\n</details>"


def _text(file: Path) -> str:
    """Return the text of an untrusted file without mentions; empty if there is no file.

    Links are not followed: they could lead to a file of this machine.
    """
    if file.is_symlink() or not file.is_file():
        return ""
    with file.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(BODY_LIMIT).replace("@", "@\u200b")


def post(number: int, text: str) -> None:
    """Create the comment, or update the existing one."""
    comment = own(items(f"issues/{number}/comments"), MARKER)
    if comment is None:
        write("POST", f"issues/{number}/comments", {"body": text})
    else:
        write("PATCH", f"issues/comments/{comment['id']}", {"body": text})


@reporting()
def main() -> int:
    """Comment on the pull request of the run in the environment; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.comment", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the run's artefacts")
    folder: Path = parser.parse_args().folder
    source = variable("HEAD_REPOSITORY")
    number = pull_request(source=source, branch=variable("HEAD_BRANCH"), sha=variable("HEAD_SHA"))
    if number is None:
        print("No open pull request is at this commit.")
        return 0
    fork = source != variable("GITHUB_REPOSITORY")
    post(number, body(folder, run_url=variable("RUN_URL"), fork=fork))
    print(f"Wrote to pull request {number}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
