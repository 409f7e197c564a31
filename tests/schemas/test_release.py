"""Within a major version a contract only adds to what was released."""

from dataclasses import replace

import pytest

from schemas.contract import Column, Contract, Rule, load_contract, tables
from schemas.release import problems, released

WAS = replace(load_contract("gold.recommendations"), version="1.2.0")
SCORE = next(column for column in WAS.columns if column.name == "score")
NEW = Column("why", "string", required=False, description="Why.", personal=False, volatile=False)
RULE = Rule("score_is_finite", "score < 1e9")


def changed(**score: object) -> Contract:
    columns = tuple(replace(c, **score) if c.name == "score" else c for c in WAS.columns)  # type: ignore[arg-type]
    return replace(WAS, columns=columns)


def added(column: Column) -> Contract:
    return replace(WAS, columns=(*WAS.columns, column))


@pytest.mark.parametrize("table", tables())
def test_every_contract_may_follow_on_the_released_one(table: str) -> None:
    was = released().get(table)
    assert was is None or problems(was, load_contract(table)) == []


def test_no_released_table_is_gone() -> None:
    assert released().keys() <= set(tables())


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(WAS, columns=tuple(c for c in WAS.columns if c is not SCORE)), "column score was removed"),
        (changed(type="float"), "column score changed from double to float"),
        (changed(required=False), "column score may be null now"),
        (changed(personal=True), "column score is personal now"),
        (added(replace(NEW, required=True)), "column why is new and required"),
        (replace(WAS, key=WAS.key[:2]), "key changed from "),
        (replace(WAS, partitioned_by=("date", "rank")), "partitioned_by changed from "),
        (replace(WAS, day_column="other"), "day_column changed from date to other"),
    ],
)
def test_what_breaks_readers_needs_a_major_version(now: Contract, said: str) -> None:
    for version in ("1.2.0", "1.3.0"):
        (problem,) = problems(WAS, replace(now, version=version))
        assert said in problem
        assert problem.endswith("; that needs version 2.0.0")
    assert problems(WAS, replace(now, version="2.0.0")) == []


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (added(NEW), "column why is new"),
        (replace(WAS, rules=(*WAS.rules, RULE)), "rules changed: score_is_finite"),
        (replace(WAS, rules=WAS.rules[1:]), "rules changed: user_id_is_pseudonym"),
    ],
)
def test_what_only_adds_needs_a_minor_version(now: Contract, said: str) -> None:
    (problem,) = problems(WAS, replace(now, version="1.2.1"))
    assert said in problem
    assert problem.endswith("; that needs version 1.3.0")
    assert problems(WAS, replace(now, version="1.3.0")) == []


def test_nothing_needs_a_version_where_nothing_changed() -> None:
    assert problems(WAS, WAS) == []
    assert problems(WAS, replace(WAS, owner="others", retention_days=8)) == []
    assert problems(WAS, changed(description="In better words.")) == []
    assert problems(WAS, replace(WAS, purpose="In better words.")) == []
    assert problems(WAS, replace(WAS, version="1.1.9")) == ["gold.recommendations 1.1.9: 1.2.0 is released already"]
