"""Prints what the fault tests measured, a line a fault: the end of `make faults`."""

import json
from pathlib import Path

from jobs.report.summary import align_columns

NOTES = Path("test-artifacts", "faults.jsonl")
"""A line of JSON for each thing noted, in the order in which the tests ran."""


def main() -> None:
    """Print the table."""
    notes = [json.loads(line) for line in NOTES.read_text(encoding="utf-8").splitlines()]
    cells = [(note["fault"], note["measured"], note["test"]) for note in notes]
    print("\n".join(align_columns([("fault", "measured", "test"), *cells])))


if __name__ == "__main__":
    main()
