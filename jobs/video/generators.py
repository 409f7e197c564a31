"""Which generator a night uses, by NIGHTREEL_VIDEO_GENERATOR: one that the project trains, or a pipeline of diffusers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext
from models.video.registry import GENERATORS

if TYPE_CHECKING:
    from models.video.generator import TrainedGenerator, VideoGenerator

REGISTERED_MODEL = "video_generator"
"""The place that all generators of the project compete for."""


def own(context: JobContext) -> type[TrainedGenerator] | None:
    """The generator of the project that the setting names, None where it names a pipeline of diffusers."""
    return GENERATORS.get(context.settings.video_generator)


def trained(context: JobContext, model: type[TrainedGenerator]) -> TrainedGenerator | None:
    """The generator of the present config that some night has trained, None where none has."""
    from jobs.platform import tracking  # MLflow takes seconds to import, and a pipeline of diffusers does not need it

    found = tracking.champion(context.settings, REGISTERED_MODEL, before=dt.date.max)
    if found is None or found.family != model.family():
        try:
            (found,) = tracking.candidates(
                context.settings, REGISTERED_MODEL, night=context.date, families=[model.family()]
            )
        except MissingInput:
            return None
    return model.load(tracking.download(context.settings, found))


def generator_for(context: JobContext) -> VideoGenerator:
    """The generator that the setting names, ready to be used.

    Raises:
        MissingInput: it is one of the project's own, and no night has trained it.
        BadInput: it is not a text-to-video pipeline.
    """
    if (model := own(context)) is not None:
        generator = trained(context, model)
        if generator is None:
            raise MissingInput(
                "the trained video generator",
                hint=f"run python -m jobs.video.train_generator --date {context.date} first",
            )
        return generator
    from models.video.diffusers_pipeline import DiffusersGenerator  # diffusers takes seconds to import

    try:
        return DiffusersGenerator(context.settings.video_generator)
    except ValueError as error:
        raise BadInput(f"NIGHTREEL_VIDEO_GENERATOR: {error}") from error
