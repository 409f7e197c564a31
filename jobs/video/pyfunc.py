"""How MLflow loads and calls the video generator (models from code: this file is logged, nothing is pickled)."""

from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.pyfunc
import numpy as np
import pandas as pd

from models.video.registry import GENERATORS


class VideoModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Takes columns `prompt` and `seed` of a pandas DataFrame, and gives frames (N, T, H, W, 3) uint8."""

    def load_context(self, context: Any) -> None:
        """Loads the generator from its artifact, a folder that is named as the generator is."""
        directory = Path(context.artifacts["model"])
        self.generator = GENERATORS[directory.name].load(directory)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Generates at the size that suits the generator."""
        prompts, seeds = model_input["prompt"].tolist(), [int(seed) for seed in model_input["seed"]]
        return self.generator.generate(prompts, seeds, self.generator.spec)


mlflow.models.set_model(VideoModel())
