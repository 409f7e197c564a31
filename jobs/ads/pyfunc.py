"""MLflow model of a click model ("models from code": MLflow logs this file, nothing is pickled)."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from models.ads.examples import Examples, Ragged
from models.ads.registry import load_click_model


class ClickPredictor(PythonModel):
    """Predicts click probabilities, shape (rows,); the input has the fields of impressions as columns."""

    def load_context(self, context: Any) -> None:
        """Load the model from the artifact."""
        self.model = load_click_model(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Predict; missing numbers are NaN, missing values None, missing lists None or empty."""
        fields = self.model.fields
        lists = {name: [() if v is None else list(v) for v in model_input[name]] for name in fields.multi_hot}
        examples = Examples(
            numeric={name: model_input[name].to_numpy(dtype=np.float64) for name in fields.numeric},
            categorical={name: model_input[name].fillna("").to_numpy(dtype=np.str_) for name in fields.categorical},
            multi_hot={
                name: Ragged(
                    np.array([value for row in rows for value in row], dtype=np.str_),
                    np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)]),
                )
                for name, rows in lists.items()
            },
        )
        return self.model.predict_proba(examples)


set_model(ClickPredictor())
