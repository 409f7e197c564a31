"""The sound of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sound:
    """A waveform.

    Attributes:
        samples: (channels, N) float32 from -1 to 1; one channel, or left and right.
        rate: samples per second.
    """

    samples: NDArray[np.float32]
    rate: int

    def lasting(self, seconds: float) -> Sound:
        """Return the sound with this length: cut, or followed by silence."""
        length = round(seconds * self.rate)
        cut = self.samples[:, :length]
        return Sound(np.pad(cut, ((0, 0), (0, length - cut.shape[1]))), self.rate)
