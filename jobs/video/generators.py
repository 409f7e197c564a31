"""The video generator that NIGHTREEL_VIDEO_GENERATOR selects: one that the project trains, or a diffusers pipeline."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext
from models.video.registry import GENERATORS

if TYPE_CHECKING:
    from models.video.generator import TrainedGenerator, VideoGenerator

REGISTERED_MODEL = "video_generator"
"""Name in the MLflow registry of all generators that the project trains."""


def project_generator(context: JobContext) -> TrainedGenerator | None:
    """Return the selected generator of the project, untrained, or None if a diffusers pipeline is selected.

    Raises:
        BadInput: NIGHTREEL_TEXT_ENCODER names no text encoder.
    """
    model = GENERATORS.get(context.settings.video_generator)
    if model is None:
        return None
    try:
        config = replace(model.nightly, text_encoder=context.settings.text_encoder)
        return model(config.longer(context.settings.video_training))
    except ValueError as error:
        raise BadInput(f"NIGHTREEL_TEXT_ENCODER: {error}") from error


def load_trained(context: JobContext, untrained: TrainedGenerator) -> TrainedGenerator | None:
    """Load the generator that was trained with the config of an untrained one on any night; None if there is none."""
    from jobs.platform import tracking  # MLflow takes seconds to import, and diffusers pipelines do not need it

    version = tracking.champion(context.settings, REGISTERED_MODEL, before=dt.date.max)
    if version is None or version.family != untrained.family:
        try:
            (version,) = tracking.candidates(
                context.settings, REGISTERED_MODEL, night=context.date, families=[untrained.family]
            )
        except MissingInput:
            return None
    return untrained.load(tracking.download(context.settings, version))


def generator_for(context: JobContext) -> VideoGenerator:
    """Return the selected generator.

    Raises:
        MissingInput: a generator of the project is selected, and it is not trained.
        BadInput: a setting names no text-to-video pipeline of a family, one whose licence is not accepted, or no text encoder.
    """
    if (untrained := project_generator(context)) is not None:
        generator = load_trained(context, untrained)
        if generator is None:
            raise MissingInput(
                "the trained video generator",
                hint=f"run python -m jobs.video.train_generator --date {context.date} first",
            )
        return generator
    # diffusers takes seconds to import
    from models.video.diffusers_pipeline import DiffusersGenerator, LicenceNotAccepted

    try:
        return DiffusersGenerator(context.settings.video_generator, context.settings.video_licence)
    except LicenceNotAccepted as error:
        raise BadInput(f"NIGHTREEL_VIDEO_LICENCE: {error}") from error
    except ValueError as error:
        raise BadInput(f"NIGHTREEL_VIDEO_GENERATOR: {error}") from error
