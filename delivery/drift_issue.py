"""Keeps one issue for the drift of each environment: python -m delivery.drift_issue STACK OUTCOME.

Opens it when a look found drift or failed, updates it while that is so, and closes it afterwards.
"""

import argparse
import sys
from pathlib import Path

from delivery.github import GitHub, GitHubError, fitting, from_environment, is_own, variable
from plan.command import reporting, stack_name_problem


def marker(stack: str) -> str:
    """Return what begins the issue of a stack."""
    return f"<!-- tracing-drift {stack} -->"


def keep(github: GitHub, *, stack: str, report: str | None, run_url: str) -> str:
    """Open, update or close the issue of a stack.

    Args:
        github: the repository.
        stack: name of the stack.
        report: what to say about it; None where there is no drift.
        run_url: page of the run that looked.

    Returns:
        What was done.
    """
    issues = github.list("issues", state="open", creator="github-actions[bot]")
    own = next((issue for issue in issues if is_own(issue, marker(stack))), None)
    if report is None:
        if own is None:
            return "no drift, and no issue"
        number = own["number"]
        gone = {"body": f"[This look]({run_url}) found no drift."}
        github.call("POST", f"issues/{number}/comments", gone)
        github.call("PATCH", f"issues/{number}", {"state": "closed", "state_reason": "completed"})
        return f"closed issue {number}"
    text = f"{marker(stack)}\n{report}\n\nSeen last by [this run]({run_url}).\n"
    text = fitting(text, f"The rest is in [the run]({run_url}).")
    if own is None:
        made = github.call("POST", "issues", {"title": f"Drift in {stack}", "body": text})
        return f"opened issue {made['number']}"
    github.call("PATCH", f"issues/{own['number']}", {"body": text})
    return f"updated issue {own['number']}"


def report_of(stack: str, outcome: str) -> str | None:
    """Return what to say after a look; None where it found nothing.

    Args:
        stack: name of the stack.
        outcome: outcome of the step that ran `make drift`; anything but `success` is told.
    """
    if outcome == "success":
        return None
    file = Path("build", "drift", f"{stack}.md")
    if not file.is_file():
        return f"The nightly look at `{stack}` failed, so nobody knows whether it has drifted."
    report = file.read_text(encoding="utf-8", errors="replace")
    return (
        f"`{stack}` is not what its stack file says: `make up STACK={stack}` would change this.\n\n"
        f"{report}"
    )


@reporting(GitHubError)
def main() -> int:
    """Keep the issue of one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.drift_issue", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("outcome", help="outcome of the look: success or another")
    arguments = parser.parse_args()
    if wrong := stack_name_problem(arguments.stack):
        print(f"error: {wrong}", file=sys.stderr)
        return 1
    done = keep(
        from_environment(),
        stack=arguments.stack,
        report=report_of(arguments.stack, arguments.outcome),
        run_url=variable("RUN_URL"),
    )
    print(f"{arguments.stack}: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
