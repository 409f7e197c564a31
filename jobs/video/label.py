"""The visible label of clips made by AI, which NIGHTREEL_VIDEO_LABEL switches on: "AI" in the lower right corner."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.video.generator import Frames

_TEXT = "AI"
_SHARE = 0.09
"""Height of the letters, as a share of the shorter side."""
_SMALLEST = 9  # pixels
_OPACITY = 0.65


def draw(frames: Frames) -> Frames:
    """Return clips (T, H, W, 3) with the label: white letters on a dark ground, the same in every frame."""
    height, width = frames.shape[1:3]
    size = max(_SMALLEST, round(_SHARE * min(height, width)))
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(_TEXT))
    gap = max(2, size // 4)
    ground = Image.new("RGB", (right - left + 2 * gap, bottom - top + 2 * gap), "black")
    ImageDraw.Draw(ground).text((gap - left, gap - top), _TEXT, fill="white", font=font)
    badge = np.asarray(ground, np.float32)
    rows = slice(max(0, height - gap - badge.shape[0]), height - gap)
    columns = slice(max(0, width - gap - badge.shape[1]), width - gap)
    drawn = frames.copy()
    corner = drawn[:, rows, columns]
    letters = badge[-corner.shape[1] :, -corner.shape[2] :]
    drawn[:, rows, columns] = np.rint((1 - _OPACITY) * corner + _OPACITY * letters).astype(np.uint8)
    return drawn
