"""The settings that jobs read from environment variables."""

import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from infra.home import local_folder, state_folder
from infra.storage import Location, location_of_setting
from jobs.platform.errors import UsageError
from schemas.zone import UnknownZone, zone


@dataclass(frozen=True)
class Settings:
    """Locations of the platform's state, and how nights are counted and filled."""

    home: Path
    """NIGHTREEL_HOME: the folder of the state of this machine."""
    lake: str
    """NIGHTREEL_LAKE: URI or path of the Delta tables; default `{home}/lake`."""
    files: Location
    """NIGHTREEL_FILES: the folder or URI of all files that machines share, which are no tables; default `{home}`."""
    timezone: ZoneInfo
    """NIGHTREEL_TIMEZONE: the time zone in which a night ends at midnight."""
    source: str
    """NIGHTREEL_SOURCE: `simulator`, `landing` (others write the files), or a folder of files."""
    mapping: str
    """NIGHTREEL_MAPPING: name or folder of the mappings of the source's files; if empty, detected from the files."""
    simulated_events: int
    """NIGHTREEL_SIMULATED_EVENTS: number of views that the simulator creates per night; default 100,000."""
    late_days: int
    """NIGHTREEL_LATE_DAYS: days after its own day in which an event may arrive; default 3. Later events are quarantined."""
    pairs_in_memory: int
    """NIGHTREEL_PAIRS_IN_MEMORY: up to this number of rows of gold.daily_interactions in the last 30 days, each a pair of a user
    and a video on a day, recommenders are trained in the memory of one process, above it by Spark; default 10,000,000."""
    training_processes: int
    """NIGHTREEL_TRAINING_PROCESSES: number of processes that train a click model together, on Spark's executors; default 1: the
    job alone."""
    video_generator: str
    """NIGHTREEL_VIDEO_GENERATOR: a name in `models.video.registry`, several separated by commas, or the path or id of a diffusers
    text-to-video pipeline."""
    video_training: int
    """NIGHTREEL_VIDEO_TRAINING: how many times as many steps the project's own generators are trained; default 1."""
    text_encoder: str
    """NIGHTREEL_TEXT_ENCODER: path or id of a BERT-like encoder that the project's own generators read prompts with; if empty,
    their own."""
    video_licence: str
    """NIGHTREEL_VIDEO_LICENCE: name of the licence of a diffusers pipeline that the operator has read and may use; only some
    need it, see `models.video.families`."""
    video_label: bool
    """NIGHTREEL_VIDEO_LABEL: `on` writes "AI" on every generated video; default `off`."""
    video_limit_s: int
    """NIGHTREEL_VIDEO_LIMIT: seconds that drawing a clip may take, loading the generator included; default 3,600. A clip that
    takes longer has failed."""
    prompt_classifier: Path | None
    """NIGHTREEL_PROMPT_CLASSIFIER: the folder of a text classifier that judges prompts, see `jobs.video.prompt_classifier`;
    default none."""
    review_faces: bool
    """NIGHTREEL_REVIEW_FACES: `on` if clips with a face wait for a person; default `off`."""
    mlflow_uri: str
    """MLFLOW_TRACKING_URI; default `sqlite:///{home}/mlflow.db`."""

    def uri(self, table: str) -> str:
        """Return the location of a table, e.g. `…/lake/gold/recommendations`."""
        return f"{self.lake}/{table.replace('.', '/')}"

    @property
    def landing(self) -> Location:
        """The folder that log shippers and sources write a night's files to."""
        return self.files / "landing"

    @property
    def videos(self) -> Location:
        """The folder of generated clips, their plans and contact sheets."""
        return self.files / "videos"

    @property
    def reports(self) -> Location:
        """The folder of the reports."""
        return self.files / "reports"

    @property
    def secrets(self) -> Path:
        """The folder of the pseudonym key, readable by its owner only."""
        return self.home / "secrets"


def settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        UsageError: the time zone is unknown, a value is not a number, or a folder's name cannot be used.
    """
    try:
        home = state_folder()
        lake = _lake(home)
        files = location_of_setting("NIGHTREEL_FILES", os.environ.get("NIGHTREEL_FILES") or str(home))
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        timezone = zone()
    except UnknownZone as error:
        raise UsageError(str(error)) from error
    return Settings(
        home=home,
        lake=lake,
        files=files,
        timezone=timezone,
        source=os.environ.get("NIGHTREEL_SOURCE", "simulator"),
        mapping=os.environ.get("NIGHTREEL_MAPPING", ""),
        simulated_events=_number("NIGHTREEL_SIMULATED_EVENTS", "100000", "views", least=1),
        late_days=_number("NIGHTREEL_LATE_DAYS", "3", "days"),
        pairs_in_memory=_number("NIGHTREEL_PAIRS_IN_MEMORY", "10000000", "pairs"),
        training_processes=_number("NIGHTREEL_TRAINING_PROCESSES", "1", "processes", least=1),
        video_generator=os.environ.get("NIGHTREEL_VIDEO_GENERATOR", "vae"),
        video_training=_number("NIGHTREEL_VIDEO_TRAINING", "1", "times the usual training steps", least=1),
        text_encoder=os.environ.get("NIGHTREEL_TEXT_ENCODER", ""),
        video_licence=os.environ.get("NIGHTREEL_VIDEO_LICENCE", ""),
        video_label=_switch("NIGHTREEL_VIDEO_LABEL"),
        video_limit_s=_number("NIGHTREEL_VIDEO_LIMIT", "3600", "seconds", least=1),
        prompt_classifier=Path(classifier) if (classifier := os.environ.get("NIGHTREEL_PROMPT_CLASSIFIER")) else None,
        review_faces=_switch("NIGHTREEL_REVIEW_FACES"),
        mlflow_uri=os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}",
    )


def _lake(home: Path) -> str:
    lake = os.environ.get("NIGHTREEL_LAKE", "").rstrip("/")
    if "://" in lake:
        return lake
    return str(local_folder("NIGHTREEL_LAKE", lake)) if lake else str(home / "lake")


def _switch(name: str) -> bool:
    text = os.environ.get(name, "off")
    if text not in ("on", "off"):
        raise UsageError(f"{name}={text!r} is neither on nor off")
    return text == "on"


def _number(name: str, default: str, unit: str, least: int = 0) -> int:
    text = os.environ.get(name, default)
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"{name}={text!r} is not a number of {unit}; use a whole number such as {default}")
    return int(text)
