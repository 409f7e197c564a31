"""A small file is there whole or not at all, and on the disk before anybody is told that it is written."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import durable
from infra.storage import Location


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    durable.write(path, "one")
    durable.write(path, "两")
    assert path.read_text(encoding="utf-8") == "两"
    assert list(path.parent.iterdir()) == [path]


def test_json_reads_back_with_its_order(tmp_path: Path) -> None:
    durable.write_json(tmp_path / "file.json", {"b": 1, "a": ["东"]})
    assert (tmp_path / "file.json").read_text(encoding="utf-8") == '{\n "b": 1,\n "a": [\n  "东"\n ]\n}'


def half_of(path: Location) -> None:
    with durable.replacing(path) as draft:
        draft.write_bytes(b"half")
        raise OSError("the disk is full")


def test_what_fails_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write(path, b"old")
    with pytest.raises(OSError, match="full"):
        half_of(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"secret", mode=0o600)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_content_is_flushed_before_it_has_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def logged_fsync(descriptor: int) -> None:
        steps.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name.partition('.file.')[1] or 'folder'}")
        fsync(descriptor)

    def logged_replace(draft: Path, path: Path) -> None:
        steps.append("replace")
        replace(draft, path)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(os, "replace", logged_replace)
    durable.write(tmp_path / "file", b"content")
    assert steps == ["fsync .file.", "replace", "fsync folder"]


def test_many_writers_of_one_file_leave_the_whole_of_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda digit: durable.write(path, digit * 10_000), "0123456789" * 5))
    content = path.read_text()
    assert content == content[0] * 10_000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("uri", "path"), [("/a b", Path("/a b")), ("file:///a", Path("/a")), ("s3a://bucket/a", None)])
def test_only_paths_of_this_machine_are_local(uri: str, path: Path | None) -> None:
    assert durable.local(uri) == path
