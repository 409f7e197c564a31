"""Contact sheet: an image with a strip of frames for each clip, below its prompt."""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from fontTools.ttLib import TTCollection, TTFont, TTLibError  # type: ignore[import-untyped]
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from infra import durable
from infra.storage import Location
from models.video.generator import Frames

_THUMBNAIL = 96
_STRIP_FRAMES = 6  # frames of each clip
_COLUMNS = 2
_LABEL_HEIGHT, _GAP, _FONT_SIZE = 24, 12, 15
# An open font from a dependency, for machines without a Chinese font.
_FONT_PACKAGE = ("zhplot", "fonts/NotoSansSC-Regular.ttf")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Strip:
    """One clip of a sheet.

    Attributes:
        frames: (T, H, W, 3).
        label: its prompt.
        plain_label: text to write instead if no font has the characters of the labels.
    """

    frames: Frames
    label: str
    plain_label: str


def write_contact_sheet(path: Location, title: str, strips: Sequence[Strip]) -> None:
    """Draw the strips in two columns and write them atomically as PNG."""
    width = _STRIP_FRAMES * _THUMBNAIL
    height = _LABEL_HEIGHT + _THUMBNAIL + _GAP
    rows = -(-len(strips) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * (width + _GAP) + _GAP, rows * height + 2 * _LABEL_HEIGHT + _GAP), "#101418")
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP), title, fill="#ffffff", font=_load(_plain_font()))
    font = font_for("".join(strip.label for strip in strips))
    if font is None:
        _log.warning("no font has all characters of the prompts; the contact sheet shows them in English")
    for position, strip in enumerate(strips):
        left = _GAP + position % _COLUMNS * (width + _GAP)
        top = 2 * _LABEL_HEIGHT + position // _COLUMNS * height
        label = strip.plain_label if font is None else strip.label
        draw.text((left, top), label, fill="#d8e0e8", font=_load(font or _plain_font()))
        for number, index in enumerate(np.linspace(0, len(strip.frames) - 1, _STRIP_FRAMES).round().astype(int)):
            thumbnail = Image.fromarray(strip.frames[index]).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
            sheet.paste(thumbnail, (left + number * _THUMBNAIL, top + _LABEL_HEIGHT))
    with durable.replacing(path) as draft:
        sheet.save(draft, format="PNG")


def font_for(text: str) -> Path | None:
    """Return a font that has every character of the text: a packaged one, else an installed one, else None."""
    required = {ord(character) for character in text if not character.isspace()}
    candidates = [_plain_font(), *_packaged_font(), *sorted(map(Path, font_manager.findSystemFonts()))]
    return next((path for path in candidates if required <= _characters(path)), None)


def _plain_font() -> Path:
    return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


def _packaged_font() -> list[Path]:
    package, file = _FONT_PACKAGE
    spec = importlib.util.find_spec(package)  # does not import it: the import changes matplotlib's settings
    folders = spec.submodule_search_locations or [] if spec else []
    return [path for folder in folders if (path := Path(folder, file)).is_file()]


@cache
def _characters(path: Path) -> frozenset[int]:
    try:
        with path.open("rb") as file:
            collection = file.read(4) == b"ttcf"
        font = TTCollection(str(path), lazy=True).fonts[0] if collection else TTFont(str(path), lazy=True)
        return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError, KeyError):
        return frozenset()


@cache
def _load(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), _FONT_SIZE)
