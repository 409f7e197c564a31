"""Classes by name, each imported when it is first asked for: to know the names, nobody waits for torch or scikit-learn."""

from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Mapping[str, type[T]], Generic[T]):
    """A mapping of names to classes."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """places: name -> `package.module:Class`."""
        self._places = dict(places)

    def __getitem__(self, name: str) -> type[T]:
        found: type[T] = resolve_name(self._places[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
