"""Computes items in a thread of its own, while others use those that are finished."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")
_EVERY_S = 0.2


def ahead(items: Iterable[_T], most: int, watch: Callable[[], object] = lambda: None) -> Iterator[_T]:
    """Yield items in their order; what they raise is raised here.

    Args:
        items: computed in a thread, one after the other.
        most: number of items that are computed before they are asked for.
        watch: called several times a second while no item is finished. If it raises, the thread is abandoned.
    """
    permits, is_over = threading.Semaphore(most), threading.Event()
    finished: SimpleQueue[Future[_T] | None] = SimpleQueue()

    def compute() -> None:
        iterator = iter(items)
        while permits.acquire() and not is_over.is_set():
            item: Future[_T] = Future()
            try:
                item.set_result(next(iterator))
            except StopIteration:
                break
            except BaseException as error:
                item.set_exception(error)
            finished.put(item)
        finished.put(None)

    threading.Thread(target=compute, daemon=True).start()
    try:
        while True:
            permits.release()
            if (item := _take(finished, watch)) is None:
                return
            yield item.result()
    finally:
        is_over.set()
        permits.release()


def _take(queue: "SimpleQueue[_T]", watch: Callable[[], object]) -> _T:
    while True:
        try:
            return queue.get(timeout=_EVERY_S)
        except Empty:
            watch()
