"""Writes what the previews of a pull request say into one comment: python -m delivery.comment DIR.

Runs outside of the pull request, with a token that may write, and on files that the pull request's
own code made. So it runs nothing of theirs, takes the pull request from the run that GitHub names,
and treats the files as text of a stranger.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from delivery.github import (
    BODY_LIMIT,
    GitHub,
    GitHubError,
    fitting,
    from_environment,
    is_own,
    variable,
)
from plan.command import reporting
from plan.diff import MARKER

#: Folders of the artefacts below DIR, as the preview workflow names them, and the files in them.
PLAN = Path("plan-diff", "report.md")
PREVIEWS = "preview-*/*.md"
#: Previews that are shown at most; there is one for each environment.
MAX_PREVIEWS = 20


def pull_request(github: GitHub, *, source: str, branch: str, sha: str) -> int | None:
    """Return the number of the open pull request that a run was for.

    Args:
        github: the repository that the pull request wants to change.
        source: repository that the run's commit came from, the same one or a fork.
        branch: the run's branch there.
        sha: the run's commit.

    Returns:
        Its number; None where it is closed, or has a newer commit that a newer run looks at.
    """
    owner = source.partition("/")[0]
    found = github.list("pulls", state="open", head=f"{owner}:{branch}")
    numbers = [int(pull["number"]) for pull in found if pull["head"]["sha"] == sha]
    return numbers[0] if len(numbers) == 1 else None


def body(folder: Path, *, run_url: str, fork: bool) -> str:
    """Return the comment for the artefacts of one run.

    Args:
        folder: where they were unpacked, each in a folder of its name.
        run_url: page of the run.
        fork: the code is that of a fork, which gets no account to ask for a preview: what looks
            like one is not shown.
    """
    report = _text(folder / PLAN).removeprefix(MARKER).strip()
    parts = [MARKER, report or f"The plan could not be made: see [the run]({run_url})."]
    if fork:
        parts.insert(1, "_Planned by code of a fork: read that too._")
    previews = [] if fork else sorted(folder.glob(PREVIEWS))[:MAX_PREVIEWS]
    whole = [*parts, *(_preview(file, table=True) for file in previews)]
    if sum(map(len, whole)) > BODY_LIMIT - 1000:
        whole = [*parts, *(_preview(file, table=False) for file in previews)]
    rest = f"The rest is in the artefacts of [the run]({run_url})."
    return fitting("\n\n".join(whole) + "\n", rest)


def _preview(file: Path, *, table: bool) -> str:
    """Return the preview of one environment: its first line, and folded below it the rest."""
    summary, _, rest = _text(file).strip().partition("\n")
    title = f"<code>pulumi preview</code> of {_plain(file.stem)}: {_plain(summary)}"
    if not (table and rest):
        return title
    return f"<details><summary>{title}</summary>\n\n{rest.strip()}\n\n</details>"


def _text(file: Path) -> str:
    """Return what a stranger wrote into a file, calling nobody by name; nothing if there is none.

    A link is not followed: it may lead to a file of this machine.
    """
    if file.is_symlink() or not file.is_file():
        return ""
    with file.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(BODY_LIMIT).replace("@", "@\u200b")


def _plain(text: str) -> str:
    """Return text that is no HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def post(github: GitHub, number: int, text: str) -> None:
    """Write the comment, in the place of the last one where there is one."""
    comments = github.list(f"issues/{number}/comments")
    own: dict[str, Any] | None = next((c for c in comments if is_own(c, MARKER)), None)
    if own is None:
        github.call("POST", f"issues/{number}/comments", {"body": text})
    else:
        github.call("PATCH", f"issues/comments/{own['id']}", {"body": text})


@reporting(GitHubError)
def main() -> int:
    """Comment on the pull request of the run in the environment; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.comment", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the run's artefacts were unpacked")
    folder: Path = parser.parse_args().folder
    github = from_environment()
    source = variable("HEAD_REPOSITORY")
    number = pull_request(
        github,
        source=source,
        branch=variable("HEAD_BRANCH"),
        sha=variable("HEAD_SHA"),
    )
    if number is None:
        print("No open pull request is at this commit: nothing to say.")
        return 0
    fork = source != github.repository
    post(github, number, body(folder, run_url=variable("RUN_URL"), fork=fork))
    print(f"Wrote to pull request {number}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
