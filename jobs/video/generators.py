"""The video generators that NIGHTREEL_VIDEO_GENERATOR names: one or several that the project trains, or a diffusers pipeline."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext
from models.video.registry import GENERATORS

if TYPE_CHECKING:
    from jobs.platform.settings import Settings
    from jobs.platform.tracking import ModelVersion
    from models.video.generator import TrainedGenerator, VideoGenerator

REGISTERED_MODEL = "video_generator"
"""Name in the MLflow registry of all generators that the project trains."""


def named(settings: Settings) -> tuple[str, ...]:
    """Return the generators that NIGHTREEL_VIDEO_GENERATOR names: one, or several of the project's own, separated by commas.

    Raises:
        BadInput: it names several, and one of them twice or not one of the project's own.
    """
    names = tuple(name.strip() for name in settings.video_generator.split(","))
    if len(names) == 1 or GENERATORS.keys().isdisjoint(names):
        return (settings.video_generator,)
    if not GENERATORS.keys() >= set(names) or len(set(names)) < len(names):
        raise BadInput(
            f"NIGHTREEL_VIDEO_GENERATOR={settings.video_generator!r}: name one generator, or different ones of "
            f"{', '.join(GENERATORS)}, separated by commas"
        )
    return names


def serving(context: JobContext) -> str:
    """Return the generator that serves after the night's verdict: the champion if it is named, otherwise the first one named."""
    names = named(context.settings)
    if len(names) == 1:
        return names[0]
    from jobs.platform import tracking  # MLflow takes seconds to import, and one generator alone does not need it

    champion = tracking.champion(context.settings, REGISTERED_MODEL, before=context.date + dt.timedelta(days=1))
    name = kind_of(champion) if champion else ""
    return name if name in names else names[0]


def kind_of(version: ModelVersion) -> str:
    """Return the name of a trained generator, e.g. `vae`. Its family has a digest of its config too."""
    return version.family.rpartition("-")[0]


def project_generator(context: JobContext, name: str) -> TrainedGenerator | None:
    """Return a generator of the project, untrained, or None if it is a diffusers pipeline.

    Raises:
        BadInput: NIGHTREEL_TEXT_ENCODER names no text encoder.
    """
    model = GENERATORS.get(name)
    if model is None:
        return None
    try:
        config = replace(model.nightly, text_encoder=context.settings.text_encoder)
        return model(config.longer(context.settings.video_training))
    except ValueError as error:
        raise BadInput(f"NIGHTREEL_TEXT_ENCODER: {error}") from error


def load_trained(context: JobContext, untrained: TrainedGenerator) -> TrainedGenerator | None:
    """Load the generator that was last trained with the config of an untrained one, on any night; None if there is none."""
    from jobs.platform import tracking  # MLflow takes seconds to import, and diffusers pipelines do not need it

    version = tracking.newest(context.settings, REGISTERED_MODEL, untrained.family)
    return untrained.load(tracking.download(context.settings, version)) if version else None


def generator_for(context: JobContext, name: str = "") -> VideoGenerator:
    """Return a generator.

    Args:
        context: of the job.
        name: one of the project's, or the class of the selected diffusers pipeline; default: the one that serves.

    Raises:
        MissingInput: a generator of the project is selected, and it is not trained.
        BadInput: a setting names no text-to-video pipeline of a family, one whose licence is not accepted, or no text encoder.
    """
    if (untrained := project_generator(context, name if name in GENERATORS else serving(context))) is not None:
        generator = load_trained(context, untrained)
        if generator is None:
            raise MissingInput(
                f"the trained video generator {untrained.name}",
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
