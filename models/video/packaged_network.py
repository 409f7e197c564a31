"""Networks that Python packages ship as ONNX files. Only the files are used: the packages themselves would load OpenCV."""

import importlib.util
from pathlib import Path
from typing import Any

import onnxruntime


def packaged_network(package: str, *file: str) -> Any:
    """Return an onnxruntime session with one thread.

    Args:
        package: name of an installed package, which is not imported.
        file: path of the ONNX file in its folder.
    """
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    (folder,) = spec.submodule_search_locations
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(Path(folder, *file)), options, providers=["CPUExecutionProvider"])
