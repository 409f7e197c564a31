"""Adapter for text-to-video pipelines of the `diffusers` library, such as Wan, CogVideoX and LTX."""

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
"""Frame rate of the training data, for pipelines that have no `frame_rate` argument (LTX has one)."""
_DEFAULT_FPS = 8


class DiffusersGenerator(VideoGenerator):
    """A pipeline from a folder or an id. Its weights are loaded by the first call of `generate`.

    The pipeline runs with its default size, length and number of steps, and its frames are resized to the spec: for other
    sizes these models do not fail, but give poor results. On a GPU it computes in bfloat16. The noise of each prompt comes from
    its own generator on the CPU, so a clip does not depend on the other clips of the call, except for rounding in kernels.

    Args:
        source: folder of a saved pipeline, or an id that `diffusers` can download or finds in its cache.

    Raises:
        ValueError: there is no such pipeline, or it is not a text-to-video pipeline.
    """

    def __init__(self, source: str) -> None:
        self._folder = _pipeline_folder(source)
        index = json.loads((self._folder / "model_index.json").read_text(encoding="utf-8"))
        self.name = str(index["_class_name"])
        pipeline = getattr(diffusers, self.name, None)
        parameters = inspect.signature(pipeline.__call__).parameters if pipeline else {}
        if not {"prompt", "num_frames"} <= set(parameters) or parameters.get("image") is not None:
            raise ValueError(
                f"{source}: {self.name} is not a text-to-video pipeline of diffusers {diffusers.__version__}"
            )
        self._defaults = {name: parameter.default for name, parameter in parameters.items()}
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._pipeline: Any = None
        self._version: str | None = None

    @property
    def version(self) -> str:
        """The pipeline's class with its downloaded commit, or with a digest of its files."""
        if self._version is None:
            is_downloaded = self._folder.parent.name == "snapshots"
            self._version = f"{self.name}-{self._folder.name[:12] if is_downloaded else _digest(self._folder)}"
        return self._version

    @property
    def spec(self) -> VideoSpec:
        """The default size, length and frame rate of the pipeline."""
        transformer = _config(self._folder / "transformer")
        scale = 2 ** (len(_config(self._folder / "vae").get("block_out_channels", ())) - 1)
        return VideoSpec(
            width=self._defaults.get("width") or transformer["sample_width"] * scale,
            height=self._defaults.get("height") or transformer["sample_height"] * scale,
            frames=self._defaults.get("num_frames") or transformer["sample_frames"],
            fps=self._defaults.get("frame_rate") or _FPS.get(self.name, _DEFAULT_FPS),
        )

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """See `VideoGenerator.generate`. Also raises ValueError if the pipeline returns NaN or infinite values."""
        check_prompts(prompts, seeds)
        pipeline = self._load()
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        with torch.inference_mode():
            clips = np.asarray(pipeline(prompt=list(prompts), generator=noise, output_type="np").frames)
        if not np.isfinite(clips).all():
            raise ValueError(f"{self.version} returned values that are not finite")
        return np.stack([fit_to_spec((np.clip(clip, 0, 1) * 255 + 0.5).astype(np.uint8), spec) for clip in clips])

    def _load(self) -> Any:
        if self._pipeline is None:
            dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
            pipeline = DiffusionPipeline.from_pretrained(self._folder, dtype=dtype, use_safetensors=True)
            pipeline.set_progress_bar_config(disable=not sys.stderr.isatty())
            self._pipeline = pipeline.to(self._device)
        return self._pipeline


def _pipeline_folder(source: str) -> Path:
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
