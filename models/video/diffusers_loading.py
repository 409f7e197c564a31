"""Finds saved `diffusers` pipelines and loads them."""

import hashlib
import json
import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load_file

_WEIGHTS = re.compile(r"diffusion_pytorch_model(-\d+-of-\d+)?\.safetensors")


def pipeline_folder(source: str) -> Path:
    """Return the folder of a saved pipeline, downloaded if need be.

    Args:
        source: folder of a saved pipeline, or an id that `diffusers` can download or finds in its cache.

    Raises:
        ValueError: there is no such pipeline.
    """
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


def read_index(folder: Path) -> dict[str, Any]:
    """Return the class of a pipeline, its parts and its settings."""
    return dict(json.loads((folder / "model_index.json").read_text(encoding="utf-8")))


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config of a part of a pipeline, empty if it has none."""
    path = folder / "config.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def weights_version(folder: Path) -> str:
    """Return 12 digits that identify the pipeline's files: of its downloaded commit, or of a SHA-256 of the folder."""
    if folder.parent.name == "snapshots":
        return folder.name[:12]
    sha = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        sha.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            sha.update(hashlib.file_digest(file, "sha256").digest())
    return sha.hexdigest()[:12]


def load_pipeline(folder: Path, device: str, float32: Collection[str]) -> Any:
    """Load a pipeline: on a GPU in bfloat16, elsewhere in float32.

    Args:
        folder: folder of a saved pipeline.
        device: `cuda` or `cpu`.
        float32: names of the parts that compute in float32 on a GPU as well, e.g. `vae`.
    """
    default = torch.bfloat16 if device == "cuda" else torch.float32
    dtypes = {"default": default, **dict.fromkeys(float32, torch.float32)}
    index = read_index(folder)
    parts = {
        name: _load_mixed(folder / name, kind, dtypes.get(name, default))
        for name, kind in _diffusers_parts(index).items()
        if getattr(kind, "_keep_in_fp32_modules", None)
    }
    kind = getattr(diffusers, index["_class_name"])  # `DiffusionPipeline` itself does not take optional parts
    pipeline = kind.from_pretrained(folder, dtype=dtypes, use_safetensors=True, **parts)
    pipeline.set_progress_bar_config(disable=not sys.stderr.isatty())
    return pipeline.to(device)


def _diffusers_parts(index: dict[str, Any]) -> dict[str, Any]:
    """The classes of the parts that `diffusers` itself defines, e.g. the transformer; those left out have the class null."""
    entries = {name: entry for name, entry in index.items() if isinstance(entry, list) and entry[0] == "diffusers"}
    return {name: getattr(diffusers, entry[1]) for name, entry in entries.items()}


def _load_mixed(folder: Path, kind: Any, dtype: torch.dtype) -> Any:
    """Load a model of which some layers always compute in float32: `diffusers` does that only with `accelerate`."""
    model = kind.from_config(kind.load_config(folder))
    model.load_state_dict(
        {
            name: weights
            for path in sorted(folder.iterdir())
            if _WEIGHTS.fullmatch(path.name)
            for name, weights in load_file(path).items()
        }
    )
    kept = set(kind._keep_in_fp32_modules)
    for name, weights in model.named_parameters():
        weights.data = weights.data.to(torch.float32 if kept & set(name.split(".")) else dtype)
    return model.eval()
