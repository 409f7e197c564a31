"""A mapping that is wrong is refused in one line that names the line and the remedy."""

from pathlib import Path

import pytest

from jobs.ingest.feeds import FEEDS, NIGHTLY
from jobs.ingest.formats import Format
from jobs.ingest.mapping import SHIPPED, Source, default, dump, identifiers, layout, load
from jobs.platform.errors import UsageError

SOUND = """\
feed: campaigns
files: "*.csv"
format:
  delimiter: ";"
  encoding: gb18030
  compression: none
nulls: ["", "-"]
decimal_comma: true
columns:
  campaign_id: id
  name: {from: title, default: unnamed}
  advertiser: {value: 1}
  tag: {expr: "lower(category)"}
  video_id: video
  bid: bid
  budget: budget
"""


def test_a_mapping_is_read(tmp_path: Path) -> None:
    (tmp_path / "campaigns.yaml").write_text(SOUND)
    found = load(tmp_path / "campaigns.yaml")
    assert found.format == Format(delimiter=";", encoding="gb18030", compression="none")
    assert found.columns is not None
    assert found.columns["campaign_id"] == Source.model_validate({"from": "id"})
    assert found.columns["advertiser"].value == "1"
    (tmp_path / "again.yaml").write_text(dump(found))
    assert load(tmp_path / "again.yaml") == found.model_copy(update={"files": "*.csv.gz"})


WRONG = {
    "no YAML": ("columns:\n", "columns: [\n", "line 11: invalid YAML: "),
    "a key twice": (
        "decimal_comma: true\n",
        "decimal_comma: true\ndecimal_comma: false\n",
        "line 9: duplicate key decimal_comma",
    ),
    "an unknown key": (
        "decimal_comma: true",
        "decimal_coma: true",
        "line 8: decimal_coma: Extra inputs are not permitted",
    ),
    "an unknown feed": (
        "feed: campaigns",
        "feed: campaign",
        "line 1: unknown feed 'campaign'; the feeds are: behavior_logs, ",
    ),
    "an unknown column": ("  bid: bid\n", "  bit: bid\n", "line 15: campaigns has no column 'bit'; did you mean bid?"),
    "a missing column": (
        "  bid: bid\n",
        "",
        "line 9: campaigns also requires bid; map each, or give it a value, e.g. bid: ",
    ),
    "an unknown encoding": ("gb18030", "gbk2", "line 5: format.encoding: 'gbk2' is not a Python text encoding"),
    "no text encoding": ("gb18030", "base64", "line 5: format.encoding: 'base64' is not a Python text encoding"),
    "a long delimiter": ('";"', '";;"', "line 4: format.delimiter: String should have at most 1 character"),
    "two origins": (
        "{value: 1}",
        "{value: 1, from: a}",
        "line 12: columns.advertiser: give exactly one of from, value and expr",
    ),
    "an unknown unit": ("video_id: video", "video_id: {from: v, unit: min}", "line 14: columns.video_id.unit: "),
    "a null marker that is none": ('"-"]', "NULL]", "line 7: nulls.1: Input should be a valid string"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_by_its_line(tmp_path: Path, what: str) -> None:
    before, after, said = WRONG[what]
    assert before in SOUND
    path = tmp_path / "campaigns.yaml"
    path.write_text(SOUND.replace(before, after))
    with pytest.raises(UsageError) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path} {said}")
    assert "\n" not in str(refused.value)


def test_a_layout_has_one_mapping_per_feed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(SOUND)
    with pytest.raises(UsageError, match=r"b\.yaml is a second mapping of campaigns"):
        layout(str(tmp_path))
    with pytest.raises(
        UsageError, match="nor a shipped layout: kuairand_1k, kuairand_nights, kuairand_pure, microlens"
    ):
        layout(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
def test_shipped_layouts_have_the_feeds_of_a_night(name: str) -> None:
    assert {"behavior_logs", "users", "videos"} <= layout(name).keys() <= FEEDS.keys()


def test_without_a_mapping_files_are_the_feeds_own(tmp_path: Path) -> None:
    assert all(default(feed).columns is None for feed in NIGHTLY.values())


def test_columns_are_found_in_expressions() -> None:
    assert identifiers("CASE WHEN `user id` = 'a b' THEN lower(x) ELSE y.z END") == [
        *("CASE", "WHEN", "user id", "THEN", "x", "ELSE", "y.z", "END")
    ]
