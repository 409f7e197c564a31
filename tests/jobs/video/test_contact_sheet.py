"""The contact sheet shows every clip below its prompt, with any fonts."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image

from jobs.video import contact_sheet
from jobs.video.contact_sheet import Strip, font_for, write_contact_sheet
from jobs.video.prompts import PROMPTS, english_prompt

CLIP = np.full((16, 64, 64, 3), (255, 0, 0), np.uint8)


@pytest.mark.parametrize("count", [1, 2, 5, 24])
def test_every_clip_is_on_the_sheet(count: int, tmp_path: Path) -> None:
    write_contact_sheet(tmp_path / "sheet.png", "a night", [Strip(CLIP, f"clip {n}", "") for n in range(count)])
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    red = (pixels == (255, 0, 0)).all(-1).sum()
    assert red == count * 6 * 96 * 96
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_without_a_chinese_font_the_plain_label_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "_packaged_font", list)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    assert font_for("日出") is None
    write_contact_sheet(tmp_path / "chinese.png", "", [Strip(CLIP, "日出", "sunrise")])
    write_contact_sheet(tmp_path / "plain.png", "", [Strip(CLIP, "sunrise", "sunrise")])
    assert (tmp_path / "chinese.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_a_font_that_has_the_characters_is_found() -> None:
    assert font_for("a sunrise, déjà vu") is not None
    assert font_for("\U0010ffff") is None


def test_every_chinese_prompt_has_an_english_translation() -> None:
    for pairs in PROMPTS.values():
        for chinese, english in pairs:
            assert english_prompt(chinese) == english
            assert english.isascii()
    assert english_prompt("something else") is None
