"""A night in an object store is the old one or the new one, whoever is killed when, and whoever else writes it."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.storage import Location, location
from jobs.ingest import landing, manifest
from jobs.ingest.feeds import NIGHTLY, USERS
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.landed_objects import LandedMeanwhile
from tests.object_store import ObjectStore

NIGHT = dt.date(2022, 5, 1)
FOLDER = "files/landing/users/dt=2022-05-01/"
ROOT = "s3a://files/landing"


def write_users(root: Location, *rows: int) -> bool:
    """Write a night with one file for each number, which is its number of rows."""

    def write(aside: Path) -> None:
        columns = NIGHTLY[USERS].required
        for number, count in enumerate(rows):
            text = ",".join(columns) + "\n" + (",".join("1" for _ in columns) + "\n") * count
            write_gzip(aside / f"part-{number}.csv.gz", [text.encode()])

    return landing.write_folder(landing.folder(root, USERS, NIGHT), write)


def rows(root: Location) -> list[int]:
    """Return the rows of each file, as ingest reads them."""
    return [file.rows for file in manifest.write(root, USERS, NIGHT).values()]


def test_a_night_is_the_same_as_on_a_disk(store: ObjectStore, tmp_path: Path) -> None:
    root = location(ROOT)
    assert [write_users(folder, 3, 4) for folder in (root, tmp_path)] == [True, True]
    assert landing.nights(root, USERS) == landing.nights(tmp_path, USERS) == [NIGHT]
    assert manifest.write(root, USERS, NIGHT) == manifest.write(tmp_path, USERS, NIGHT)
    assert manifest.digest(root, USERS, NIGHT) == manifest.digest(tmp_path, USERS, NIGHT)
    before = dict(store.objects)
    assert not write_users(root, 3, 4)
    assert store.objects == before
    assert write_users(root, 5)
    assert rows(root) == [5]
    assert len(store.objects) == 4  # marker, file, its own marker, manifest: nothing of the old night
    landing.remove_folder(landing.folder(root, USERS, NIGHT))
    assert store.objects == {}


def test_files_of_other_systems_are_read_and_replaced(store: ObjectStore, tmp_path: Path) -> None:
    write_users(tmp_path, 2)
    for path in landing.folder(tmp_path, USERS, NIGHT).iterdir():
        store.objects[FOLDER + path.name] = path.read_bytes()
    assert rows(location(ROOT)) == [2]
    assert not landing.has_leftovers(landing.folder(location(ROOT), USERS, NIGHT))
    assert write_users(location(ROOT), 7)
    assert rows(location(ROOT)) == [7]
    assert FOLDER + "part-0.csv.gz" not in store.objects


@pytest.mark.parametrize(("point", "survives"), [("written", [1, 1]), ("uploaded", [1, 1]), ("moved", [2])])
@pytest.mark.usefixtures("store")
def test_a_killed_writer_leaves_one_of_two_nights(point: str, survives: list[int]) -> None:
    root = location(ROOT)
    write_users(root, 1, 1)
    code = "from tests.jobs.ingest.test_landed_objects import *; write_users(location(ROOT), 2)"
    environment = os.environ | {"NIGHTREEL_FAILPOINT": f"kill:{point}"}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert rows(root) == survives
    write_users(root, 2)
    assert rows(root) == [2]
    assert not landing.has_leftovers(landing.folder(root, USERS, NIGHT))


@pytest.mark.parametrize("before", [[], [3]])
def test_of_two_writers_the_second_fails_and_changes_nothing(store: ObjectStore, before: list[int]) -> None:
    root = location(ROOT)
    if before:
        write_users(root, *before)

    def overtaken(aside: Path) -> None:
        write_users(root, 5)
        (aside / "part-0.csv.gz").write_bytes(b"late")

    with pytest.raises(LandedMeanwhile, match="run this again"):
        landing.write_folder(landing.folder(root, USERS, NIGHT), overtaken)
    assert rows(root) == [5]
    assert b"late" not in store.objects.values()
