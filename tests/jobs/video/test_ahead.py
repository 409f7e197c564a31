"""Items are computed ahead of their use: in order, not too many, and errors are not lost."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.video.ahead import ahead


@given(items=st.lists(st.integers(), max_size=20), most=st.integers(0, 5))
def test_items_come_in_their_order_and_not_too_many_are_computed(items: list[int], most: int) -> None:
    computed = 0

    def compute() -> Iterator[int]:
        nonlocal computed
        for item in items:
            computed += 1
            yield item

    taken = []
    for item in ahead(compute(), most):
        taken.append(item)
        assert computed <= len(taken) + most
    assert taken == items


def test_the_next_item_is_computed_while_one_is_used() -> None:
    second = threading.Event()

    def compute() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    items = ahead(compute(), 1)
    assert next(items) == 1
    assert second.wait(10)


def test_an_error_follows_the_items_before_it() -> None:
    def compute() -> Iterator[int]:
        yield 1
        raise ValueError("two")

    items = ahead(compute(), 3)
    assert next(items) == 1
    with pytest.raises(ValueError, match="two"):
        next(items)


def test_an_item_that_never_comes_is_given_up() -> None:
    def compute() -> Iterator[int]:
        time.sleep(600)
        yield 1

    def watch() -> None:
        raise TimeoutError("too long")

    with pytest.raises(TimeoutError, match="too long"):
        next(ahead(compute(), 1, watch))
