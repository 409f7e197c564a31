import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.ingest import landing, manifest
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY, USERS, VIDEOS
from jobs.ingest.gzip_file import write_gzip
from jobs.platform.errors import BadInput, MissingInput, NightreelError
from tests.jobs.ingest.nights import rows_by_file

NIGHT = dt.date(2022, 5, 1)


def _feed(root: Path, feed: str, *, header: str | None = None, rows: int = 3, name: str = "part.csv.gz") -> Path:
    columns = NIGHTLY[feed].required
    body = (header or ",".join(columns)) + "\n" + (",".join("1" for _ in columns) + "\n") * rows
    folder = landing.folder(root, feed, NIGHT)
    landing.write_folder(folder, lambda aside: write_gzip(aside / name, [body.encode()]))
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    for feed in NIGHTLY:
        _feed(tmp_path, feed)
    return tmp_path


def test_a_sound_night_gives_its_rows(landed: Path) -> None:
    _feed(landed, VIDEOS, header=",".join((*NIGHTLY[VIDEOS].required, "title")), rows=5)
    checked = manifest.check(landed, NIGHT)
    assert {feed: files["part.csv.gz"].rows for feed, files in checked.items()} == {
        feed: 5 if feed == VIDEOS else 3 for feed in NIGHTLY
    }


def test_columns_are_found_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    of_log, of_videos = (",".join(NIGHTLY[feed].required) for feed in (BEHAVIOR_LOGS, VIDEOS))
    for feed, header, unread in (
        (BEHAVIOR_LOGS, f"{of_log},device,network", "device, network; they are kept in bronze"),
        (BEHAVIOR_LOGS, f"device,{of_log}", "device; they are kept in bronze"),
        (BEHAVIOR_LOGS, ",".join(reversed(of_log.split(","))), None),
        (VIDEOS, f"title,{of_videos}", None),
        (VIDEOS, f"{of_videos},quality", "quality"),
    ):
        caplog.clear()
        folder = _feed(tmp_path, feed, header=header)
        assert rows_by_file(tmp_path, feed) == {"part.csv.gz": 3}
        said = f"{folder / 'part.csv.gz'} has unknown columns: {unread}"
        assert caplog.messages == ([said] if unread else [])
    for feed, header, what in (
        (BEHAVIOR_LOGS, of_log.replace("tab", "page") + ",device", "no column tab"),
        (BEHAVIOR_LOGS, f"{of_log},", "no name for column 20"),
        (VIDEOS, f"{of_videos},tag", "column 'tag' twice"),
    ):
        _feed(tmp_path, feed, header=header)
        with pytest.raises(BadInput, match=rf"has .*{what}"):
            rows_by_file(tmp_path, feed)


def _no_marker(folder: Path) -> None:
    (folder / landing.MARKER).unlink()


def _no_file(folder: Path) -> None:
    (folder / "part.csv.gz").unlink()


def _strange_file(folder: Path) -> None:
    (folder / "part.csv").write_text("1")


def _cut_short(folder: Path) -> None:
    path = folder / "part.csv.gz"
    path.write_bytes(path.read_bytes()[:-3])


def _empty_file(folder: Path) -> None:
    (folder / "part.csv.gz").write_bytes(b"")


def _one_column_less(folder: Path) -> None:
    _rewrite(folder, lambda text: "\n".join(line.rpartition(",")[0] for line in text.split("\n")))


def _carriage_returns(folder: Path) -> None:
    _rewrite(folder, lambda text: text.replace("\n", "\r"))


def _header_only(folder: Path) -> None:
    _rewrite(folder, lambda text: text.split("\n")[0] + "\n")


def _rewrite(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / "part.csv.gz"
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode()))


@pytest.mark.parametrize("feed", [BEHAVIOR_LOGS, USERS])
@pytest.mark.parametrize(
    ("damage", "kind", "says"),
    [
        (_no_marker, MissingInput, "_SUCCESS"),
        (_no_file, BadInput, "no .csv.gz file"),
        (_strange_file, BadInput, "part.csv is not a .csv.gz"),
        (_cut_short, BadInput, "truncated"),
        (_empty_file, BadInput, "is empty"),
        (_one_column_less, BadInput, "no column"),
        (_carriage_returns, BadInput, "end with carriage returns"),
        (_header_only, BadInput, "no row"),
    ],
)
def test_a_damaged_night_is_refused_in_one_line_that_names_it(
    landed: Path, feed: str, damage: Callable[[Path], None], kind: type[NightreelError], says: str
) -> None:
    folder = landing.folder(landed, feed, NIGHT)
    damage(folder)
    with pytest.raises(kind) as refused:
        manifest.check(landed, NIGHT)
    message = str(refused.value)
    assert str(folder) in message
    assert says in message
    assert "\n" not in message


def test_a_feed_that_never_came_is_named(landed: Path) -> None:
    with pytest.raises(
        MissingInput, match=r"behavior_logs/dt=2022-05-02 does not exist; land the behavior_logs of 2022-05-02"
    ):
        manifest.check(landed, NIGHT + dt.timedelta(days=1))


def test_laying_the_same_bytes_again_changes_nothing(landed: Path) -> None:
    folder = landing.folder(landed, USERS, NIGHT)
    before = folder.stat()
    _feed(landed, USERS)
    assert (folder.stat().st_ino, folder.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    _feed(landed, USERS, rows=4, name="other.csv.gz")
    assert rows_by_file(landed, USERS) == {"other.csv.gz": 4}


def test_a_source_that_fails_leaves_what_was_there(landed: Path) -> None:
    folder = landing.folder(landed, USERS, NIGHT)
    before = sorted((path, path.read_bytes()) for path in folder.iterdir())

    def fail(aside: Path) -> None:
        (aside / "part.csv.gz").write_bytes(b"half")
        raise OSError("disk full")

    for target in (folder, landing.folder(landed, USERS, dt.date(2022, 5, 2))):
        with pytest.raises(OSError, match="disk full"):
            landing.write_folder(target, fail)
    assert sorted((path, path.read_bytes()) for path in folder.iterdir()) == before
    assert landing.nights(landed, USERS) == [NIGHT]


def test_a_night_that_was_being_laid_anew_is_never_lost(landed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = landing.folder(landed, USERS, NIGHT)
    before = _contents(folder)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            raise OSError("Input/output error")
        return rename(path, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="Input/output"):
            _feed(landed, USERS, rows=9)
    assert _contents(folder) == before
    folder.rename(folder.with_name(f".{folder.name}.old"))  # as kill -9 between two renames leaves it
    assert landing.nights(landed, USERS) == [NIGHT]
    assert _contents(folder) == before
    folder.rename(folder.with_name(f".{folder.name}.old"))
    _feed(landed, USERS)
    assert _contents(folder) == before


def test_what_a_killed_run_left_aside_does_not_matter(landed: Path) -> None:
    folder = landing.folder(landed, USERS, NIGHT)
    for leftover in (".dt=2022-05-01.new", ".dt=2022-05-01.old"):
        (folder.parent / leftover).mkdir()
        (folder.parent / leftover / "part.csv.gz").write_bytes(b"half")
    _feed(landed, USERS, rows=7)
    assert rows_by_file(landed, USERS) == {"part.csv.gz": 7}
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]
