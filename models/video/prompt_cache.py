"""Encodes each distinct prompt once, and alone, for pipelines of `diffusers`."""

import inspect
from collections import OrderedDict
from typing import Any

import torch

_MOST = 32  # encodings of Wan's encoder have 4 MB each
_PROMPTS = ("prompt", "negative_prompt")


class PromptCache:
    """Stands in front of a pipeline's `encode_prompt`, and calls it for one prompt at a time.

    So what a prompt is encoded to does not depend on the other prompts of a batch, and prompts that were encoded lately, such
    as the empty one of the guidance, are not encoded again.

    Args:
        encode: the pipeline's method. It returns a tuple of tensors, whose first dimension are the prompts, and of None.
    """

    def __init__(self, encode: Any) -> None:
        self._encode, self._signature = encode, inspect.signature(encode)
        self._encoded: OrderedDict[Any, Any] = OrderedDict()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the encodings of all prompts of a call, one below the other."""
        call = self._signature.bind(*args, **kwargs).arguments
        prompts = call["prompt"]
        if not isinstance(prompts, list):
            return self._one(call)
        alone = [
            {
                **call,
                **{name: [call[name][n]] for name in _PROMPTS if isinstance(call.get(name), list)},
                **({"batch_size": 1} if "batch_size" in call else {}),
            }
            for n in range(len(prompts))
        ]
        return tuple(
            torch.cat(parts) if isinstance(parts[0], torch.Tensor) else parts[0]
            for parts in zip(*map(self._one, alone), strict=True)
        )

    def _one(self, call: dict[str, Any]) -> Any:
        key = repr(sorted(call.items()))
        if key not in self._encoded:
            self._encoded[key] = self._encode(**call)
        self._encoded.move_to_end(key)
        if len(self._encoded) > _MOST:
            self._encoded.popitem(last=False)
        return self._encoded[key]
