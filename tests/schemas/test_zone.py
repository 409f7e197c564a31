"""The lake's zone: a name of the tz database as it is written there, or one line that says what to write."""

import os
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.zone import UnknownZone, zone

PLACES = sorted(available_timezones() - {"Factory", "localtime"})


def test_unless_it_is_set_it_is_beijings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTREEL_TIMEZONE", raising=False)
    assert zone().key == "Asia/Shanghai"


def test_every_zone_of_the_tz_database_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PLACES:
        monkeypatch.setenv("NIGHTREEL_TIMEZONE", name)
        assert zone().key == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Asia/Beijing", "use a name such as Asia/Shanghai"),
        ("", "use a name such as Asia/Shanghai"),
        ("CST", "use a name such as Asia/Shanghai"),
        ("UTC+8", "use a name such as Asia/Shanghai"),
        ("GMT+8", "use a name such as Asia/Shanghai"),
        ("../../etc/passwd", "use a name such as Asia/Shanghai"),
        ("/usr/share/zoneinfo/UTC", "use a name such as Asia/Shanghai"),
        ("Asia", "use a name such as Asia/Shanghai"),
        ("localtime", "use a name such as Asia/Shanghai"),
        ("posixrules", "use a name such as Asia/Shanghai"),
        ("Factory", "use a name such as Asia/Shanghai"),
        ("tzdata.zi", "use a name such as Asia/Shanghai"),
        ("asia/shanghai", r"did you mean Asia/Shanghai\?"),
        ("Asia/Shanghai ", r"did you mean Asia/Shanghai\?"),
        ("shanghai", r"did you mean Asia/Shanghai\?"),
        ("New York", r"did you mean America/New_York\?"),
        ("America/Sao Paulo", r"did you mean America/Sao_Paulo\?"),
        ("Europe/Berln", r"did you mean Europe/Berlin\?"),
        ("right/Europe/Berlin", "use a name such as Asia/Shanghai"),  # it counts leap seconds
    ],
)
def test_what_is_no_zone_is_named_with_what_may_be_meant(monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    monkeypatch.setenv("NIGHTREEL_TIMEZONE", name)
    with pytest.raises(UnknownZone, match=f"is not a time zone; {hint}$"):
        zone()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_no_text_ends_otherwise_than_in_a_zone_or_in_one_line(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "NIGHTREEL_TIMEZONE", name)
        if name in PLACES:
            assert zone().key == name
        else:
            with pytest.raises(UnknownZone) as refused:
                zone()
            assert len(str(refused.value).splitlines()) == 1
