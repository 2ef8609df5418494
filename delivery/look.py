"""Looks what an up would change, and writes it as Markdown: python -m delivery.look STACK."""

import argparse
import sys
from pathlib import Path

from delivery.changes import PreviewError, markdown, preview
from plan.command import reporting, stack_name_problem


@reporting()
def main() -> int:
    """Look at one stack; return the exit status, which is 1 for drift and for failure."""
    parser = argparse.ArgumentParser(prog="delivery.look", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--drift", action="store_true", help="refresh first; a change is an error")
    arguments = parser.parse_args()
    if wrong := stack_name_problem(arguments.stack):
        print(f"error: {wrong}", file=sys.stderr)
        return 1
    file = Path("build", "drift" if arguments.drift else "preview", f"{arguments.stack}.md")
    # What an earlier look said must not be taken for what this one says.
    file.unlink(missing_ok=True)
    try:
        found = preview(arguments.stack, refresh=arguments.drift)
    except PreviewError as error:
        print(f"error: {error}", file=sys.stderr)
        if not arguments.drift:
            _write(file, "failed; the log says why.\n")
        return 1
    text = markdown(found)
    _write(file, text)
    print(text)
    print(f"Written to {file}.")
    return 1 if arguments.drift and found else 0


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
