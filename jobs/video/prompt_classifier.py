"""A classifier of prompts, by path: NIGHTREEL_PROMPT_CLASSIFIER names the folder of a `transformers` sequence classifier.

The label `safe` of its config.json is the harmless one; all others are reasons. If a prompt has one label (softmax), the
probability of harm is that of all labels but `safe`; if it may have several (`problem_type: multi_label_classification`), it is
that of the most probable label but `safe`. From `REFUSED_FROM` on the prompt is refused, from `DOUBTFUL_FROM` on its video waits
for a person.
"""

from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from jobs.video.verdict import Verdict

SAFE = "safe"
REFUSED_FROM, DOUBTFUL_FROM = 0.9, 0.5
"""Probabilities of harm."""


class PromptClassifier:
    """Judges prompts.

    Args:
        folder: of a model and its tokenizer, as `save_pretrained` writes them. Nothing is downloaded.

    Raises:
        ValueError: the folder has no sequence classifier, or none of the labels of a prompt is `safe`.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{folder} is not the folder of a sequence classifier of transformers: {reason}"
            ) from error
        config = self._model.config
        self._labels = [str(config.id2label[number]) for number in range(config.num_labels)]
        self._several = config.problem_type == "multi_label_classification"
        if not self._several and SAFE not in self._labels:
            raise ValueError(
                f"{folder}: its labels are {', '.join(self._labels)}; name the harmless one {SAFE!r} in its config.json"
            )

    @torch.inference_mode()
    def judged(self, prompt: str) -> Verdict:
        """Return what the classifier says of a prompt. What is beyond the length of the model is not read."""
        inputs = self._tokenizer(prompt, truncation=True, return_tensors="pt")
        scores = self._model(**inputs).logits[0].float()
        probabilities = (scores.sigmoid() if self._several else scores.softmax(0)).tolist()
        harmful = {name: p for name, p in zip(self._labels, probabilities, strict=True) if name != SAFE}
        harm = max(harmful.values()) if self._several else sum(harmful.values())
        found = f"the classifier of prompts finds {max(harmful, key=harmful.__getitem__)!r} in it (harmful: {harm:.2f})"
        if harm >= REFUSED_FROM:
            return Verdict(refusal=found)
        return Verdict(doubt=found if harm >= DOUBTFUL_FROM else None)
