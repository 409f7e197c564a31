"""Saved recommenders: model.json (kind and hyperparameters) and arrays.npz, without pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

Array: TypeAlias = NDArray[Any] | csr_matrix

_JSON = "model.json"
_NPZ = "arrays.npz"
_CSR_PARTS = ("data", "indices", "indptr", "shape")
_OLD_KEYS = {"factors": "embedding_size", "components": "embedding_size", "iterations": "epochs"}
"""Hyperparameters in older model.json files -> their names today."""


def write_state(directory: Path, name: str, config: Any, arrays: Mapping[str, Array]) -> None:
    """Write both files into an existing directory. model.json is written last, so a directory without it is incomplete."""
    parts: dict[str, NDArray[Any]] = {}
    for key, array in arrays.items():
        if issparse(array):
            parts |= {f"{key}.{part}": np.asarray(getattr(array, part)) for part in _CSR_PARTS}
        else:
            parts[key] = np.asarray(array)
    np.savez(directory / _NPZ, allow_pickle=False, **parts)
    header = {"model": name, "config": asdict(config)}
    (directory / _JSON).write_text(json.dumps(header, indent=2, sort_keys=True) + "\n")


def read_state(directory: Path) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """Return the kind of a saved model, its hyperparameters and its arrays.

    Raises:
        ValueError: the directory contains no complete model.
    """
    try:
        header = json.loads((directory / _JSON).read_text())
        name = str(header["model"])
        saved: dict[str, Any] = header["config"]
        config = {_OLD_KEYS.get(key, key): value for key, value in saved.items()}
        with np.load(directory / _NPZ, allow_pickle=False) as file:
            parts = dict(file)
        arrays: dict[str, Array] = {key: value for key, value in parts.items() if "." not in key}
        for key in {part.partition(".")[0] for part in parts if "." in part}:
            data, indices, indptr, shape = (parts[f"{key}.{part}"] for part in _CSR_PARTS)
            arrays[key] = csr_matrix((data, indices, indptr), shape=tuple(shape))
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{directory} contains no complete recommender: {error}") from error
    return name, config, arrays
