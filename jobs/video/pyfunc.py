"""MLflow model of the video generator ("models from code": MLflow logs this file, nothing is pickled)."""

from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.pyfunc
import numpy as np
import pandas as pd

from models.video.registry import GENERATORS


class VideoModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Generates frames (N, T, H, W, 3) uint8; the input has the columns `prompt` and `seed`."""

    def load_context(self, context: Any) -> None:
        """Load the generator from the artifact, a folder with the name of the generator."""
        directory = Path(context.artifacts["model"])
        self.generator = GENERATORS[directory.name].load(directory)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Generate clips with the default spec of the generator."""
        prompts, seeds = model_input["prompt"].tolist(), [int(seed) for seed in model_input["seed"]]
        return self.generator.generate(prompts, seeds, self.generator.spec)


mlflow.models.set_model(VideoModel())
