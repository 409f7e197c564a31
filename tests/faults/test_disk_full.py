"""A disk that is full ends a publication with an error, and the last one stays readable and sound."""

import shutil
import subprocess
import sys

import pytest

from tests.faults.conftest import RecordFault

# Runs with a disk of its own: a small tmpfs that only this process and its children see.
DISK = """
import datetime as dt, random, sys
from pathlib import Path
from jobs.platform import lake
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests.faults import rows

uri = f"{settings().lake}/silver/quarantine"
day = dt.date(2022, 5, 1)
chance = random.Random(7)
table = load_contract(rows.TABLE)
assert lake.version(uri) is not None
rows.publish_day(uri, day, rows.rows(day, 50, "first"))
last, failed = "first", 0
disk = Path(settings().home)
while failed < int(sys.argv[1]):
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"0" * 4096) == 4096:
                pass
        except OSError:
            pass
    room = chance.randrange(0, 12)  # pages of 4096 bytes
    with ballast.open("r+b") as file:
        file.truncate(max(ballast.stat().st_size - room * 4096, 0))
    said = f"attempt {failed}"
    try:
        rows.publish_day(uri, day, rows.rows(day, 50, said))
        last = said
    except Exception as error:
        text = f"{error} {error.__cause__ or ''}"
        assert "No space left" in text or "os error 28" in text or "cannot be read back" in text, repr(error)
        failed += 1
        in_place = rows.read(uri, day)
        whole = [sorted(str(row["raw"]) for row in rows.rows(day, 50, s)) for s in (last, said)]
        assert in_place in whole
        last = said if in_place == whole[1] else last  # the commit was made, only its backup was not
    ballast.unlink()
    damaged = rows.damage(uri)
    assert damaged == [], damaged
    for left in Path(uri).glob("2022-05-01-*"):  # as VACUUM would a week later
        import shutil
        if not any(left.name in used for used in [file.path for file in lake.files(uri, table) if file.day == day]):
            shutil.rmtree(left)
print(failed, "of", failed)
"""


@pytest.mark.parametrize("times", [10, pytest.param(50, marks=pytest.mark.long)])
def test_the_last_version_stays(table: str, times: int, record_fault: RecordFault) -> None:
    home = table.removesuffix("/lake/silver/quarantine")
    mounted = (
        f'cp -r "{home}" /tmp/.keep.$$ && mount -t tmpfs -o size=2m tmpfs "{home}" && cp -r /tmp/.keep.$$/. "{home}"'
    )
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None:
        pytest.fail("this test makes a small disk with unshare, of the package util-linux")
    script = f'{mounted} && rm -r /tmp/.keep.$$ && exec "$0" -c "$1" "$2"'
    done = subprocess.run(
        [*command, script, sys.executable, DISK, str(times)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    record_fault("disk full", f"{done.stdout.strip()} failed clearly, the last version readable")
    assert done.stdout.strip() == f"{times} of {times}"
