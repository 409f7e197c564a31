"""Lay a night's files where ingest finds them, and prove that the night is complete and sound.

The files come from NIGHTREEL_SOURCE: the built-in simulator, a folder in KuaiRand's layout, or `landing` where log shippers lay
them. Users on the erasure list are taken out of them. Nothing is written to the lake. Fails where the night before was never
landed although an earlier one was: its features would miss a day without saying so. The first night of a landing has no night
before.
"""

import argparse
import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path

from jobs.ingest import erased_lines, kuairand, landing
from jobs.ingest.simulator.night import SIMULATED, Scale, land
from jobs.ingest.simulator.slates import slates
from jobs.platform import pseudonym
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.job import job
from jobs.platform.night import Night

_RECOMMENDATIONS = "gold.recommendations"
_log = logging.getLogger(__name__)


def check_no_gap(root: Path, date: dt.date) -> None:
    """Make sure that the log of the day before is there, unless `date` is the first night of the landing.

    Raises:
        MissingInput: an earlier night was landed, but not the one before.
    """
    nights = landing.nights(root, landing.BEHAVIOR_LOGS)
    before = date - dt.timedelta(days=1)
    earlier = [night for night in nights if night < date]
    if earlier and before not in earlier:
        first_missing = earlier[-1] + dt.timedelta(days=1)
        hint = f"land it first: make backfill FROM={first_missing} TO={date} SOURCE=…"
        raise MissingInput(f"landing {landing.folder(root, landing.BEHAVIOR_LOGS, before)}", before, hint)


def redact(night: Night) -> None:
    """Take erased users out of the night, and out of the watch history, which a source may lay again with every night."""
    root = night.settings.landing
    is_erased = erased_lines.judge(night.settings)
    laid = [(landing.BEHAVIOR_LOGS, night.date), (landing.USERS, night.date)]
    laid += [(landing.WATCH_HISTORY, day) for day in landing.nights(root, landing.WATCH_HISTORY)]
    for feed, day in laid:
        if lines := erased_lines.redact(root, feed, day, is_erased):
            _log.info("%s: %d lines of erased users taken out", landing.folder(root, feed, day), lines)


def _simulate(night: Night) -> None:
    laid = landing.folder(night.settings.landing, landing.BEHAVIOR_LOGS, night.date)
    if laid.exists() and not any(laid.glob(SIMULATED)):
        raise UsageError(
            f"{laid} was not made by the simulator, which would replace it; say where the night's logs come from: "
            f"SOURCE=landing for what is there, or the folder that they came from"
        )
    scale = Scale(night.args.events or night.settings.simulated_events)
    before = night.date - dt.timedelta(days=1)
    shown = None
    if night.has_day(_RECOMMENDATIONS, before):
        shown = slates(night.arrow(_RECOMMENDATIONS), before, scale.users, pseudonym.key(night.settings))
    land(
        night.settings.landing,
        night.date,
        night.settings.timezone,
        scale,
        lambda users: None if shown is None else shown[users],
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Lay the night from its source, then check it."""
    with job(argv, __doc__, _arguments) as night:
        root = night.settings.landing
        check_no_gap(root, night.date)
        if night.settings.source == "simulator":
            _simulate(night)
        elif night.settings.source != "landing":
            kuairand.land(Path(night.settings.source), root, night.date)
        for feed, files in landing.check(root, night.date).items():
            _log.info(
                "%s: %d rows in %d files", landing.folder(root, feed, night.date), sum(files.values()), len(files)
            )
        redact(night)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--events", type=int, help="views that the simulator makes a night (default: NIGHTREEL_SIMULATED_EVENTS)"
    )


if __name__ == "__main__":
    main()
