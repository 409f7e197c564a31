"""Every setting that the environment can give, read here and nowhere else."""

import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from infra.home import local_folder, state_folder
from jobs.platform.errors import UsageError
from schemas.zone import UnknownZone, zone


@dataclass(frozen=True)
class Settings:
    """Where a night's state lives and how its days are counted."""

    home: Path
    """NIGHTREEL_HOME: the folder of all state."""
    lake: str
    """NIGHTREEL_LAKE: URI or path of the Delta tables, `{home}/lake` unless set."""
    timezone: ZoneInfo
    """NIGHTREEL_TIMEZONE: the zone whose midnight ends a night."""
    source: str
    """NIGHTREEL_SOURCE: `simulator`, `landing` (files are laid by others), or a folder of files."""
    mapping: str
    """NIGHTREEL_MAPPING: name or folder of the mappings by which its files are read; recognised by the files where empty."""
    simulated_events: int
    """NIGHTREEL_SIMULATED_EVENTS: views a night that the simulator makes, 100,000 unless set."""
    late_days: int
    """NIGHTREEL_LATE_DAYS: how many days after its own day an event may arrive, 3 unless set; a later one is quarantined."""
    video_generator: str
    """NIGHTREEL_VIDEO_GENERATOR: one of `models.video.registry`, or the path or id of a diffusers text-to-video pipeline."""
    mlflow_uri: str
    """MLFLOW_TRACKING_URI: `sqlite:///{home}/mlflow.db` unless set."""

    def uri(self, table: str) -> str:
        """Where a table of the lake lies, e.g. `…/lake/gold/recommendations`."""
        return f"{self.lake}/{table.replace('.', '/')}"

    @property
    def landing(self) -> Path:
        """The folder that log shippers and sources lay a night's files in."""
        return self.home / "landing"

    @property
    def videos(self) -> Path:
        """The folder of generated clips, their plans and contact sheets."""
        return self.home / "videos"

    @property
    def secrets(self) -> Path:
        """The folder of keys: outside the lake, readable by its owner only."""
        return self.home / "secrets"


def settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        UsageError: the time zone is unknown, a number is none, or a folder's name cannot be used.
    """
    try:
        home = state_folder()
        lake = _lake(home)
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        timezone = zone()
    except UnknownZone as error:
        raise UsageError(str(error)) from error
    return Settings(
        home=home,
        lake=lake,
        timezone=timezone,
        source=os.environ.get("NIGHTREEL_SOURCE", "simulator"),
        mapping=os.environ.get("NIGHTREEL_MAPPING", ""),
        simulated_events=_number("NIGHTREEL_SIMULATED_EVENTS", "100000", "views", least=1),
        late_days=_number("NIGHTREEL_LATE_DAYS", "3", "days"),
        video_generator=os.environ.get("NIGHTREEL_VIDEO_GENERATOR", "vae"),
        mlflow_uri=os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}",
    )


def _lake(home: Path) -> str:
    named = os.environ.get("NIGHTREEL_LAKE", "").rstrip("/")
    if "://" in named:
        return named
    return str(local_folder("NIGHTREEL_LAKE", named)) if named else str(home / "lake")


def _number(name: str, default: str, of: str, least: int = 0) -> int:
    text = os.environ.get(name, default)
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"{name}={text!r} is not a number of {of}; use one such as {default}")
    return int(text)
