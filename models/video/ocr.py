"""Text in pictures, read by the networks that `rapidocr` ships.

Only the package's weights are used (PP-OCRv6 small, Apache-2.0), with onnxruntime. One network says for each pixel whether it
belongs to text (differentiable binarization: Liao et al., AAAI 2020), the other reads a line of text, in Chinese, English and
some more languages (CTC). Lines that are neither horizontal nor vertical are not read.
"""

import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.video.packaged_network import packaged_network

_SHORTER_SIDE = 736  # pixels of the picture in which text is looked for; the networks were made for it
_TEXT_FROM, _LINE_FROM = 0.3, 0.5  # least probability of a pixel of text, and of a whole line on average
_MARGIN = 0.8  # of a line around what is found of it, as a share of its area divided by its perimeter, doubled
_LINE_HEIGHT = 48  # pixels that the network reads
_VERTICAL_FROM = 1.5  # height of a line whose characters stand above each other, as a multiple of its width
_READ_FROM = 0.8  # least mean probability of the characters of a line


def read_text(picture: Image.Image) -> list[str]:
    """Return the lines of text that can be read in a picture, from the left. Single letters and uncertain ones are left out."""
    scale = max(1.0, _SHORTER_SIDE / min(picture.size))
    width, height = (max(32, round(side * scale / 32) * 32) for side in picture.size)
    image = picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    (probabilities,) = _network("det").run(None, {"x": _values(image)})
    places = ndimage.find_objects(ndimage.label(probabilities[0, 0] > _TEXT_FROM, np.ones((3, 3)))[0])
    boxes = sorted(_box(*place) for place in places if probabilities[0, 0][place].mean() >= _LINE_FROM)
    return [text for text, score in map(_read, map(image.crop, boxes)) if score >= _READ_FROM and _is_legible(text)]


def _is_legible(text: str) -> bool:
    """True if a text has enough different letters; the networks see single ones and rows of equal ones in patterns."""
    return len({*re.findall(r"\w", text)}) >= (2 if re.search(r"[\u3400-\u9fff]", text) else 3)


def _box(rows: slice, columns: slice) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a line: of the text itself, as the network marks only its core."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    margin = round(_MARGIN * height * width / (height + width))
    return columns.start - margin, rows.start - margin, columns.stop + margin, rows.stop + margin


def _read(line: Image.Image) -> tuple[str, float]:
    """Return the text of a line and the mean probability of its characters."""
    if line.height >= _VERTICAL_FROM * line.width:
        line = line.transpose(Image.Transpose.ROTATE_90)
    width = max(_LINE_HEIGHT, round(line.width * _LINE_HEIGHT / line.height))
    (probabilities,) = _network("rec").run(None, {"x": _values(line.resize((width, _LINE_HEIGHT)))})
    best, scores = probabilities[0].argmax(1), probabilities[0].max(1)
    is_new = (best != 0) & np.append(True, best[1:] != best[:-1])  # 0 is CTC's blank
    text = "".join(_alphabet()[n - 1] for n in best[is_new]).strip()
    return text, round(float(scores[is_new].mean()), 2) if text else 0.0


def _values(image: Image.Image) -> NDArray[np.float32]:
    """Return an image as the input of the networks, (1, 3, H, W), blue first."""
    values: NDArray[np.float32] = (
        np.asarray(image)[None, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    )
    return values


@cache
def _network(name: str) -> Any:
    """Return the network that finds (`det`) or reads (`rec`) lines, with one thread."""
    return packaged_network("rapidocr", "models", f"PP-OCRv6_{name}_small.onnx")


@cache
def _alphabet() -> list[str]:
    """Return the characters that the network reads, without the blank."""
    return [*_network("rec").get_modelmeta().custom_metadata_map["character"].split("\n"), " "]
