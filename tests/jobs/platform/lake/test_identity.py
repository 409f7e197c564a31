import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.platform.errors import UsageError
from jobs.platform.lake import identity
from jobs.platform.lake.identity import Identity
from jobs.platform.settings import Settings
from jobs.platform.settings import settings as read_settings
from tests.jobs.lake import insert_rows

FIRST, SECOND, OTHER = (Identity("0a" * 8, f"{users}-{'0b' * 16}") for users in (0, 1, 2))


@pytest.fixture(params=["path", "file URI"])
def lake(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lake without anything in it."""
    if request.param == "file URI":
        monkeypatch.setenv("NIGHTREEL_LAKE", f"file://{home}/lake")
    return read_settings()


def commits(home: Path) -> list[Path]:
    return sorted((home / "lake" / "_nightreel" / "_delta_log").glob("*.json"))


def test_it_is_given_once_and_then_replaced(lake: Settings) -> None:
    assert identity.read(lake) is None
    identity.create(lake, FIRST)
    identity.create(lake, OTHER)
    assert identity.read(lake) == FIRST
    identity.update(lake, FIRST, SECOND)
    assert identity.read(lake) == SECOND


def test_who_has_not_seen_what_it_says_replaces_nothing(
    lake: Settings, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity.create(lake, FIRST)
    seen = DeltaTable(str(home / "lake" / "_nightreel"))
    identity.update(lake, FIRST, SECOND)
    identity.update(lake, FIRST, OTHER)
    with monkeypatch.context() as patch:  # who has read it a moment before the other one replaced it
        patch.setattr(identity, "DeltaTable", lambda uri: seen)
        identity.update(lake, FIRST, OTHER)
    assert identity.read(lake) == SECOND


def test_tables_are_found(lake: Settings, home: Path) -> None:
    assert not identity.has_tables(lake)
    identity.create(lake, FIRST)
    (home / "lake" / "silver" / "users").mkdir(parents=True)
    (home / "lake" / "note.txt").touch()
    assert not identity.has_tables(lake)
    insert_rows(home, "silver.users", [{}])
    assert identity.has_tables(lake)


@pytest.mark.parametrize("left", [b"", b"\0" * 100, b'{"commitInfo":'])
def test_what_a_power_cut_left_is_put_right(lake: Settings, home: Path, left: bytes) -> None:
    identity.create(lake, FIRST)
    (receipt,) = (home / "lake" / "_nightreel" / "_receipts").iterdir()
    commits(home)[0].write_bytes(left)
    assert identity.read(lake) == FIRST
    commits(home)[0].write_bytes(left)  # as if the first writer had been killed before it gave the receipt
    receipt.unlink()
    assert identity.read(lake) is None
    identity.create(lake, FIRST)
    identity.update(lake, FIRST, SECOND)
    commits(home)[1].write_bytes(left)
    assert identity.read(lake) == SECOND
    (home / "lake" / "_nightreel" / "_delta_log" / f"{2:020}.json").write_bytes(left)
    assert identity.read(lake) == SECOND
    identity.update(lake, SECOND, OTHER)
    assert identity.read(lake) == OTHER


@pytest.mark.parametrize("properties", [("", ""), ("0a" * 8, "3"), ("0A" * 8, OTHER.erasure_list), ("x", "y\nz")])
def test_one_that_says_nothing_useful_is_one_line(lake: Settings, properties: tuple[str, str]) -> None:
    identity.create(lake, Identity(*properties))
    with pytest.raises(
        UsageError, match=r"the lake's identity .*_nightreel is damaged \(nightreel\..*restore it"
    ) as error:
        identity.read(lake)
    assert "\n" not in str(error.value)


def test_one_that_cannot_be_read_is_one_line(lake: Settings, home: Path) -> None:
    identity.create(lake, FIRST)
    shutil.rmtree(home / "lake" / "_nightreel" / "_receipts")
    commits(home)[0].write_text('{"commitInfo":{}}\n')
    with pytest.raises(UsageError, match=r"the lake's identity .*_nightreel is damaged") as error:
        identity.read(lake)
    assert "\n" not in str(error.value)
