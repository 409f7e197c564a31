"""Which generator a night uses, by NIGHTREEL_VIDEO_GENERATOR: the project's own, or a pipeline of diffusers."""

from __future__ import annotations

import datetime as dt

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.night import Night
from models.video.generator import VideoGenerator
from models.video.vae import VaeConfig, VaeGenerator

OWN = "vae"
REGISTERED_MODEL = "video_generator"
CONFIG = VaeConfig()
"""What the project's own generator is trained with."""


def family(config: VaeConfig) -> str:
    """What the registry calls generators of this config."""
    return f"{OWN}-{config.digest}"


def trained(night: Night) -> VaeGenerator | None:
    """The generator of the present config that some night has trained, None where none has."""
    from jobs.platform import tracking  # MLflow takes seconds to import, and a pipeline of diffusers does not need it

    found = tracking.champion(night.settings, REGISTERED_MODEL, before=dt.date.max)
    if found is None or found.family != family(CONFIG):
        try:
            (found,) = tracking.candidates(
                night.settings, REGISTERED_MODEL, night=night.date, families=[family(CONFIG)]
            )
        except MissingInput:
            return None
    return VaeGenerator.load(tracking.download(night.settings, found))


def generator_for(night: Night) -> VideoGenerator:
    """The generator that the setting names, ready to be used.

    Raises:
        MissingInput: it is the project's own, and no night has trained it.
        BadInput: it is not a text-to-video pipeline.
    """
    if night.settings.video_generator == OWN:
        generator = trained(night)
        if generator is None:
            raise MissingInput(
                "the trained video generator",
                hint=f"run python -m jobs.video.train_generator --date {night.date} first",
            )
        return generator
    from models.video.diffusers_pipeline import DiffusersGenerator  # diffusers takes seconds to import

    try:
        return DiffusersGenerator(night.settings.video_generator)
    except ValueError as error:
        raise BadInput(f"NIGHTREEL_VIDEO_GENERATOR: {error}") from error
