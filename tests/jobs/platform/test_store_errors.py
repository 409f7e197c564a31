"""An object store that refuses the credentials is recognised in the error of each library."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.exceptions import BaseError

from infra.storage import location
from jobs.platform import lake
from jobs.platform.errors import BadInput
from jobs.platform.store_errors import access_refused, with_store
from tests import object_store

URI = "s3://lake/silver/users"
REQUESTS: dict[str, Callable[[], object]] = {
    "delta-rs": lambda: lake.token(URI, dt.date(2022, 5, 1)),
    "Arrow lists": lambda: lake.filesystem(URI)[0].get_file_info(lake.filesystem(URI)[1]),
    "Arrow reads": lambda: lake.filesystem(URI)[0].open_input_file("lake/object"),
    "obstore writes": lambda: location(URI).write_bytes(b"content"),
    "obstore reads": lambda: location(URI).exists(),
}


@pytest.mark.parametrize(
    ("variable", "reasons"),
    [
        (
            "AWS_SECRET_ACCESS_KEY",
            {"SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH", "ACCESS_DENIED", "403 Forbidden"},
        ),
        # It reaches the store, by each library: versitygw has no temporary keys, and refuses every token.
        ("AWS_SESSION_TOKEN", {"InvalidToken", "HTTP status 400", "400 Bad Request"}),
    ],
)
def test_wrong_credentials(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, reasons: set[str]) -> None:
    with object_store.versitygw(home, "lake") as address:
        object_store.use(address, monkeypatch)
        monkeypatch.setenv(variable, "wrong")
        for library, request in REQUESTS.items():
            with pytest.raises((OSError, BaseError)) as raised:
                request()
            refused = access_refused(raised.value)
            assert refused is not None, (library, raised.value)
            assert str(refused).startswith(f"the object store {address} refused ")
            assert any(f"({reason})" in str(refused) for reason in reasons), (library, str(refused))


def test_it_is_the_cause_of_another_error() -> None:
    damaged = BadInput("the landing is damaged; land it again or delete it")
    damaged.__cause__ = OSError("AWS Error ACCESS_DENIED during PutObject operation: Access Denied.")
    assert "refused PutObject (ACCESS_DENIED)" in str(access_refused(damaged))


def test_rows_are_no_refusal() -> None:
    assert access_refused(BadInput("a row breaks its contract, e.g. AccessDenied")) is None
    assert access_refused(PermissionError(13, "Permission denied", "/landing")) is None


def test_the_store_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000")
    assert with_store("AWS Error NETWORK_CONNECTION").endswith("; the object store is http://store:9000")
    for message in ("GET http://store:9000/lake timed out", "a row breaks its contract"):
        assert with_store(message) == message
