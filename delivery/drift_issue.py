"""Keeps one issue for each environment that drifted: python -m delivery.drift_issue STACK OUTCOME.

Opens it when drift detection finds drift or fails, updates it, and closes it without drift.
"""

import argparse
import sys
from pathlib import Path

from delivery.github import BOT, fitting, items, own, variable, write
from plan.command import check_stack_name, reporting


def marker(stack: str) -> str:
    """Return the start of the body of a stack's issue."""
    return f"<!-- tracing-drift {stack} -->"


def keep(*, stack: str, report: str | None, run_url: str) -> str:
    """Open, update or close the issue of a stack; return what was done. No report: no drift."""
    issue = own(items("issues", state="open", creator=BOT), marker(stack))
    if report is None:
        if issue is None:
            return "no drift, and no issue"
        path = f"issues/{issue['number']}"
        write("POST", f"{path}/comments", {"body": f"[This run]({run_url}) found no drift."})
        write("PATCH", path, {"state": "closed", "state_reason": "completed"})
        return f"closed issue {issue['number']}"
    text = f"{marker(stack)}\n{report}\n\nLast found by [this run]({run_url}).\n"
    text = fitting(text, f"The rest is in [the run]({run_url}).")
    if issue is None:
        made = write("POST", "issues", {"title": f"Drift in {stack}", "body": text})
        return f"opened issue {made['number']}"
    write("PATCH", f"issues/{issue['number']}", {"body": text})
    return f"updated issue {issue['number']}"


def report_of(stack: str, outcome: str) -> str | None:
    """Return the text of the issue; None if `make drift` succeeded: there is no drift."""
    if outcome == "success":
        return None
    file = Path("build", "drift", f"{stack}.md")
    if not file.is_file():
        return f"Drift detection of `{stack}` failed, so its drift is unknown."
    report = file.read_text(encoding="utf-8", errors="replace")
    return f"`make up STACK={stack}` would change `{stack}`:\n\n{report}"


@reporting()
def main() -> int:
    """Keep the issue of one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.drift_issue", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("outcome", help="outcome of `make drift`: success or another")
    arguments = parser.parse_args()
    check_stack_name(arguments.stack)
    report = report_of(arguments.stack, arguments.outcome)
    done = keep(stack=arguments.stack, report=report, run_url=variable("RUN_URL"))
    print(f"{arguments.stack}: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
