"""Whatever a user writes ends as one request, accepted or refused in words."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.video import plan
from jobs.video.plan import read_shard, write_plan
from jobs.video.prompt_check import LONGEST_PROMPT
from jobs.video.requests import TABLE
from jobs.video.user_requests import user_requests
from models.video.generator import VideoSpec
from models.video.vae import VaeGenerator
from schemas.contract import load_contract
from tests.jobs.video.clips import asked_for
from tests.models.video.tiny import TINY

NIGHT = dt.date(2022, 5, 1)
GENERATOR = VaeGenerator(TINY["vae"])


def decided(text: str | None, **options: str) -> dict[str, Any]:
    """The request for a text."""
    (row,) = user_requests([asked_for(text, **options)], NIGHT, "vae", 1)
    return row


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "the prompt is empty"),
        ("", "the prompt is empty"),
        (" \n\t\u3000", "the prompt is empty"),
        ("猫" * 10_000, "the prompt has 10,000 characters; use at most 500"),
        ("🌅🚀", "the prompt has no words"),
        ("?!… 123", "the prompt has no words"),
        ("a\x00cat", r"invisible character U+0000"),
        ("a\x1b[31mcat", "invisible character U+001B"),
        ("a cat\u200f", "invisible character U+200F"),
        ("a\u202etac", "invisible character U+202E"),
        ("кошка на пляже", "another language than Chinese and English"),
        ("קאט", "another language than Chinese and English"),
        ("浜辺で猫がはしる", "another language than Chinese and English"),
        ("un chat noir sur la plage", "another language than Chinese and English"),
        ("ein Hund im Schnee", "another language than Chinese and English"),
    ],
)
def test_a_text_that_is_no_prompt_is_refused(text: str | None, reason: str) -> None:
    assert reason in decided(text)["refusal"]


@pytest.mark.parametrize(
    ("text", "prompt", "language"),
    [
        ("一只猫", "一只猫", "zh"),
        ("  a\n cat\t", "a cat", "en"),
        ("cafe\u0301 at night 🌃", "café at night 🌃", "en"),
        ("一只 black cat 在海边", "一只 black cat 在海边", "zh"),
        ("../../etc/passwd", "../../etc/passwd", "en"),
        ("<b>cat</b>", "<b>cat</b>", "en"),
        ("NULL", "NULL", "en"),
        ("a family 👨\u200d👩\u200d👧", "a family 👨\u200d👩\u200d👧", "en"),
    ],
)
def test_an_odd_text_that_describes_a_video_is_accepted(text: str, prompt: str, language: str) -> None:
    row = decided(text)
    assert (row["refusal"], row["prompt"], row["language"]) == (None, prompt, language)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"language": "fr"}, "the language 'fr' is not one of zh, en, auto"),
        ({"generator": "sora"}, "the generator 'sora' does not serve this night; leave it out, or ask for 'vae'"),
        ({"generator": "x" * 900}, f"the generator '{'x' * 40}…' does not"),
        *(
            ({"size": text}, f"the size {text!r} is not")
            for text in ("big", "0x0", "63x64", "65x64", "514x64", "64*64", "-64x64")
        ),
        *(({"seconds": text}, f"the length {text!r} is not") for text in ("0", "-1", "11", "nan", "inf", "long")),
        *(({"seed": text}, f"the seed {text!r} is not") for text in ("-1", "1.5", "x", f"{2**63}")),
    ],
)
def test_an_option_that_cannot_be_served_is_refused(options: dict[str, str], reason: str) -> None:
    row = decided("a cat", **options)
    assert row["refusal"].startswith(reason)


def test_all_reasons_are_given() -> None:
    refusal = decided("", size="big", seed="-1")["refusal"]
    assert [reason.split(maxsplit=2)[1] for reason in refusal.split("; ")[::2]] == ["prompt", "seed"]
    assert "the size 'big'" in refusal


def test_a_style_is_joined_to_the_text_and_counts_for_its_length() -> None:
    assert decided("a cat", style=" oil\npainting ")["prompt"] == "a cat, oil painting"
    assert "is empty" in decided(" ", style="oil")["refusal"]
    assert f"has {LONGEST_PROMPT + 1} characters" in decided("x" * (LONGEST_PROMPT - 2), style="y")["refusal"]
    assert "U+0007" in decided("a cat", style="oil\x07")["refusal"]


def test_a_declared_language_counts_for_latin_letters_only() -> None:
    assert decided("Diego de la Vega", language="en")["refusal"] is None
    assert decided("Diego de la Vega")["refusal"] is not None
    assert decided("кошка", language="en")["refusal"] is not None


def test_options_are_honoured(tmp_path: Path) -> None:
    asked = [
        asked_for("a cat", request="1"),
        asked_for("a cat", request="2", seconds="3", size=" 128x64 ", seed="7.0", generator="vae"),
        asked_for("a cat", request="3", seconds="0.5"),
    ]
    rows = list(user_requests(asked, NIGHT, "vae", 1))
    clips = [request.clip for shard in write_plan(tmp_path, NIGHT, rows, GENERATOR) for request in read_shard(shard)]
    assert [clip.spec for clip in clips] == [VideoSpec(256, 256, n, 8) for n in (16,)] + [
        VideoSpec(128, 64, 24, 8), VideoSpec(256, 256, 4, 8)
    ]  # fmt: skip
    assert [clip.seed for clip in clips] == [rows[0]["seed"], 7, rows[0]["seed"]]


def test_equal_requests_share_a_clip_and_refused_ones_have_none(tmp_path: Path) -> None:
    same = [asked_for(text, request=f"{n:02}") for n, text in enumerate(["a cat", " a  cat", "a cat\n"] * 3)]
    others = [asked_for(f"a cat in {n} hats", request=f"x{n}") for n in range(4)]
    other_seed = asked_for("a cat", request="y", seed="5")
    rows = list(user_requests([*same, *others, other_seed, asked_for("", request="z")], NIGHT, "vae", 1))
    shards = write_plan(tmp_path, NIGHT, rows, GENERATOR)
    clips_of = [{request.clip for request in read_shard(shard)} for shard in shards]
    assert [len(clips) for clips in clips_of] == [4, 2]
    assert not clips_of[0] & clips_of[1]
    served = [request.request_id for shard in shards for request in read_shard(shard)]
    assert sorted(served) == sorted(row["request_id"] for row in rows if row["refusal"] is None)


def test_a_night_with_many_requests_has_longer_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MOST_SHARDS", 3)
    rows = list(user_requests([asked_for(f"a cat {n}", request=f"{n}") for n in range(20)], NIGHT, "vae", 1))
    assert [len(read_shard(shard)) for shard in write_plan(tmp_path, NIGHT, rows, GENERATOR)] == [7, 7, 6]


options = st.fixed_dictionaries({}, optional={
    name: st.text() for name in ("language", "seconds", "size", "style", "generator", "seed")
})  # fmt: skip


@given(st.lists(st.tuples(st.none() | st.text(), options), max_size=4))
def test_any_requests_give_a_row_each_that_keeps_the_contract(asked: list[tuple[str | None, dict[str, str]]]) -> None:
    prompts = [asked_for(text, request=f"{n}", **given) for n, (text, given) in enumerate(asked)]
    rows = list(user_requests(prompts, NIGHT, "vae", 1))
    assert [row["request"] for row in rows] == [f"{n}" for n in range(len(asked))]
    assert len({row["request_id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["refusal"] or (row["prompt"] and row["language"] in ("zh", "en"))
    pa.Table.from_pylist(rows, schema=load_contract(TABLE).arrow_schema())
