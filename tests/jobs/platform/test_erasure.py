import os
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jobs.platform import erasure
from jobs.platform.errors import UsageError
from jobs.platform.settings import settings as read_settings
from tests.object_store import ObjectStore

KEY = b"\1" * 32
BATCHES = st.lists(st.lists(st.integers(0, 30).map("{:032x}".format), max_size=5), max_size=6)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def write(batches: list[list[str]]) -> list[str]:
    """A list to which users were added; its version after each addition, and before the first."""
    shutil.rmtree(read_settings().secrets, ignore_errors=True)
    versions = [erasure.version(read_settings())]
    for batch in batches:
        erasure.add(read_settings(), batch, KEY)
        versions.append(erasure.version(read_settings()))
    return versions


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=BATCHES)
def test_a_list_includes_what_it_grew_from_and_no_later_version(home: Path, batches: list[list[str]]) -> None:
    versions = write(batches)
    assert all(erasure.includes(read_settings(), version) for version in versions)
    lines = erasure.path(read_settings()).read_text().splitlines() if any(batches) else []
    assert erasure.read(read_settings()) == {erasure.digest(user) for batch in batches for user in batch}
    for users in range(len(lines) - 1):  # a copy from any moment before the last user was added
        erasure.path(read_settings()).write_text("\n".join(lines[: users + 1]) + "\n")
        for version in versions:
            assert erasure.includes(read_settings(), version) == (int(version.split("-")[0]) <= users)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(here=BATCHES, there=BATCHES)
def test_a_list_that_lacks_a_user_of_another_never_includes_its_version(
    home: Path, here: list[list[str]], there: list[list[str]]
) -> None:
    assume({user for batch in there for user in batch} - {user for batch in here for user in batch})
    theirs = write(there)[-1]
    write(here)
    assert not erasure.includes(read_settings(), theirs)


def test_a_list_that_was_sent_around_is_the_same_list(home: Path) -> None:
    version = write([["a", "b"]])[-1]
    file = erasure.path(read_settings())
    for changed in (
        b"\xef\xbb\xbf" + file.read_bytes(),
        file.read_bytes().replace(b"\n", b"\r\n"),
        file.read_bytes()[:-1],
    ):
        file.write_bytes(changed)
        erasure.check_key(read_settings(), KEY)
        assert erasure.version(read_settings()) == version
    erasure.add(read_settings(), ["c"], KEY)
    assert erasure.includes(read_settings(), version)


@pytest.mark.parametrize("content", [b"", b"\n", b"key \n", b"\0" * 200, b"key 0000000000000000\n12\n", b"\xff\xfek\0"])
def test_a_file_that_is_no_list_is_one_line(home: Path, content: bytes) -> None:
    write([["a"]])
    erasure.path(read_settings()).write_bytes(content)
    for use in (erasure.read, erasure.version, lambda found: erasure.check_key(found, KEY)):
        with pytest.raises(UsageError, match="is not an erasure list; restore it from a backup"):
            use(read_settings())


def test_a_list_that_cannot_be_read_is_one_line(home: Path) -> None:
    erasure.path(read_settings()).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"the erasure list .*erased_users.txt cannot be read \(Is a directory\)"):
        erasure.read(read_settings())


@pytest.mark.usefixtures("umask")
def test_only_its_owner_can_read_it(home: Path) -> None:
    write([["a"]])
    file = erasure.path(read_settings())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_no_user_is_lost_if_many_machines_erase_at_once(
    home: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [f"{number:032x}" for number in range(40)]
    for files in (str(home), "s3a://files/night"):
        monkeypatch.setenv("NIGHTREEL_FILES", files)
        with ThreadPoolExecutor(4) as threads:
            added = threads.map(
                lambda first: erasure.add(read_settings(), users[first : first + 8], KEY), range(0, 40, 4)
            )
            assert sum(added) == len(users)
        assert erasure.read(read_settings()) == {erasure.digest(user) for user in users}
    assert list(store.objects) == ["files/night/secrets/erased_users.txt"]
