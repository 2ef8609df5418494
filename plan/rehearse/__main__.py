"""Replays traffic through a stack's collectors on this machine: python -m plan.rehearse STACK."""

import argparse
import os
import sys
from pathlib import Path

from plan.command import CommandError, check_stack_name, reporting
from plan.rehearse import command, report
from plan.rehearse.programs import ProgramError

_FOLDER = Path("build", "rehearse")


@reporting(ProgramError)
def main() -> int:
    """Rehearse one stack, print the short report and write the whole; return the exit status."""
    parser = argparse.ArgumentParser(prog="plan.rehearse", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--file", type=Path, help="recorded OTLP traces; by default a shop's")
    parser.add_argument("--base", help="a Git ref to compare with")
    parser.add_argument("--charts", type=Path, help="folder of packaged charts")
    parser.add_argument(
        "--spans", type=int, help="spans to replay: all of the shop, at most of FILE"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON and nothing else")
    arguments = parser.parse_args()
    stack, charts = arguments.stack, arguments.charts or os.environ.get("TRACING_TEST_CHARTS")
    check_stack_name(stack)
    # The file first: reading it is quick, and planning is not.
    given = {"most": arguments.spans} if arguments.spans else {}
    traffic = command.recorded(arguments.file, **given) if arguments.file else None
    if reason := command.missing():
        raise CommandError(f"{reason}.")
    plans = command.plans(Path.cwd(), stack, arguments.base)
    if traffic is None:
        spans = arguments.spans or command.SHOP_SPANS
        traffic = command.shop(plans[-1][1].settings, spans, large=not arguments.spans)
    sides = [
        command.side(name, planned, traffic, Path(charts) if charts else None)
        for name, planned in plans
    ]
    document = report.as_json(stack, traffic, sides)
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / f"{stack}.json").write_text(document, encoding="utf-8")
    whole = report.markdown(stack, traffic, sides)
    (_FOLDER / f"{stack}.md").write_text(whole, encoding="utf-8")
    if arguments.json:
        sys.stdout.write(document)
    else:
        print(report.short(stack, traffic, sides))
        print(f"\nWritten to {_FOLDER}/: {stack}.md with all of it, and {stack}.json.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
