"""A model as two files without pickle: model.json (kind and hyperparameters) and arrays.npz."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse

Array: TypeAlias = npt.NDArray[Any] | csr_matrix

_JSON = "model.json"
_NPZ = "arrays.npz"
_CSR_PARTS = ("data", "indices", "indptr", "shape")


def write_state(directory: Path, name: str, config: Any, arrays: Mapping[str, Array]) -> None:
    """Write both files to an existing directory; model.json comes last, so a directory without it is incomplete."""
    parts: dict[str, npt.NDArray[Any]] = {}
    for key, array in arrays.items():
        if issparse(array):
            parts |= {f"{key}.{part}": np.asarray(getattr(array, part)) for part in _CSR_PARTS}
        else:
            parts[key] = np.asarray(array)
    np.savez(directory / _NPZ, allow_pickle=False, **parts)
    header = {"model": name, "config": asdict(config)}
    (directory / _JSON).write_text(json.dumps(header, indent=2, sort_keys=True) + "\n")


def read_state(directory: Path) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """The kind of model, its hyperparameters and its arrays.

    Raises:
        ValueError: the directory holds no complete model.
    """
    try:
        header = json.loads((directory / _JSON).read_text())
        name, config = str(header["model"]), dict(header["config"])
        with np.load(directory / _NPZ, allow_pickle=False) as file:
            parts = dict(file)
        arrays: dict[str, Array] = {key: value for key, value in parts.items() if "." not in key}
        for key in {part.partition(".")[0] for part in parts if "." in part}:
            data, indices, indptr, shape = (parts[f"{key}.{part}"] for part in _CSR_PARTS)
            arrays[key] = csr_matrix((data, indices, indptr), shape=tuple(shape))
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{directory} holds no complete recommender: {error}") from error
    return name, config, arrays
