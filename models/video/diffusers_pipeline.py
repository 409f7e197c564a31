"""Any text-to-video pipeline of the `diffusers` library (Wan, CogVideoX, LTX and others) behind the generators' contract."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import DiffusionPipeline

from models.video.generator import Frames, VideoGenerator, VideoSpec, check_prompts, fit_to_spec

_FPS = {"CogVideoXPipeline": 8, "WanPipeline": 16}
"""Frames a second that a family was trained at, where its call does not say (LTX's does)."""
_USUAL_FPS = 8


class DiffusersGenerator(VideoGenerator):
    """A pipeline by folder or by id; its weights are loaded when the first clip is asked for.

    It runs at the size, length and number of steps that it was made for, and its frames are then resized to the spec: asked
    for another size, these models do not fail but draw badly. On a GPU it computes in bfloat16. Noise comes from a
    generator on the CPU for each prompt, so a clip does not depend on which others are made with it, other than by the
    rounding of the kernels.

    Args:
        source: folder of a saved pipeline, or an id that `diffusers` can download or has in its cache.

    Raises:
        ValueError: there is no such pipeline, or it does not make videos from text.
    """

    def __init__(self, source: str) -> None:
        self._folder = _find(source)
        index = json.loads((self._folder / "model_index.json").read_text(encoding="utf-8"))
        self.name = str(index["_class_name"])
        pipeline = getattr(diffusers, self.name, None)
        parameters = inspect.signature(pipeline.__call__).parameters if pipeline else {}
        if not {"prompt", "num_frames"} <= set(parameters) or parameters.get("image", None) is not None:
            raise ValueError(
                f"{source}: {self.name} is not a text-to-video pipeline of diffusers {diffusers.__version__}"
            )
        self._defaults = {name: parameter.default for name, parameter in parameters.items()}
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._pipeline: Any = None
        self._version: str | None = None

    @property
    def version(self) -> str:
        """The pipeline's class with the commit it was downloaded at, or with a digest of its files."""
        if self._version is None:
            downloaded = self._folder.parent.name == "snapshots"
            self._version = f"{self.name}-{self._folder.name[:12] if downloaded else _digest(self._folder)}"
        return self._version

    @property
    def spec(self) -> VideoSpec:
        """The size, length and rate that the pipeline makes when nothing else is asked for."""
        transformer = _config(self._folder / "transformer")
        scale = 2 ** (len(_config(self._folder / "vae").get("block_out_channels", ())) - 1)
        return VideoSpec(
            width=self._defaults.get("width") or transformer["sample_width"] * scale,
            height=self._defaults.get("height") or transformer["sample_height"] * scale,
            frames=self._defaults.get("num_frames") or transformer["sample_frames"],
            fps=self._defaults.get("frame_rate") or _FPS.get(self.name, _USUAL_FPS),
        )

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """See `VideoGenerator.generate`; raises ValueError also where the pipeline gives values that are not numbers."""
        check_prompts(prompts, seeds)
        pipeline = self._load()
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        with torch.inference_mode():
            clips = np.asarray(pipeline(prompt=list(prompts), generator=noise, output_type="np").frames)
        if not np.isfinite(clips).all():
            raise ValueError(f"{self.version} gave values that are not numbers")
        return np.stack([fit_to_spec((np.clip(clip, 0, 1) * 255 + 0.5).astype(np.uint8), spec) for clip in clips])

    def _load(self) -> Any:
        if self._pipeline is None:
            dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
            loaded = DiffusionPipeline.from_pretrained(self._folder, dtype=dtype, use_safetensors=True)
            loaded.set_progress_bar_config(disable=not sys.stderr.isatty())
            self._pipeline = loaded.to(self._device)
        return self._pipeline


def _find(source: str) -> Path:
    try:
        folder = (
            Path(source) if Path(source).is_dir() else Path(DiffusionPipeline.download(source, use_safetensors=True))
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{source} is neither the folder nor the id of a diffusers pipeline: {reason}") from error
    if not (folder / "model_index.json").is_file():
        raise ValueError(f"{source} has no model_index.json; give the folder of a saved diffusers pipeline")
    return folder


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _digest(folder: Path) -> str:
    sha = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        sha.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            sha.update(hashlib.file_digest(file, "sha256").digest())
    return sha.hexdigest()[:12]
