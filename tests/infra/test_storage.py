"""Files of an object store are read and written like files of this machine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import durable
from infra.storage import entries, files_below, location, location_of_setting
from tests.infra.test_durable import half_of
from tests.object_store import ObjectStore


def test_a_setting_is_a_folder_or_an_s3_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert location_of_setting("NIGHTREEL_FILES", "files") == tmp_path / "files"
    for uri in ("s3a://bucket/a b%20c/", "s3://bucket/a b%20c"):
        assert str(location_of_setting("NIGHTREEL_FILES", uri) / "d") == "s3://bucket/a b%20c/d"
    for bad in ("gs://bucket/a", "s3://", "s3a:///", "file:///tmp/x"):
        with pytest.raises(ValueError, match=f"NIGHTREEL_FILES='{bad}' is neither"):
            location_of_setting("NIGHTREEL_FILES", bad)


def test_small_files_are_written_as_on_a_disk(store: ObjectStore, tmp_path: Path) -> None:
    listed = []
    for root in (location("s3a://files/a b"), tmp_path):
        durable.write(root / "new" / "text", "两")
        durable.write_json(root / "new" / "json", [1])
        with durable.replacing(root / "png") as draft:
            draft.write_bytes(b"image")
        with pytest.raises(OSError, match="full"):
            half_of(root / "png")
        assert [path.name for path in entries(root)] == ["new", "png"]
        listed.append([(path.name, path.read_bytes()) for path in files_below(root)])
    assert listed[0] == listed[1]
    assert len(store.objects) == 3
    assert files_below(location("s3://files/nothing")) == files_below(tmp_path / "nothing") == []


@pytest.mark.usefixtures("store")
def test_of_many_who_replace_a_version_one_succeeds() -> None:
    from infra.object_store import path, read_version, replace_version

    counter = path("s3://files/counter")

    def count(_: int) -> bool:
        version = read_version(counter)
        return replace_version(counter, version, b"%d" % (int(version.content or 0) + 1))

    with ThreadPoolExecutor(8) as threads:
        succeeded = sum(threads.map(count, range(200)))
    assert 0 < succeeded <= 200
    assert counter.read_bytes() == b"%d" % succeeded
