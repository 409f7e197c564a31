"""Classes by name. A class is imported on first access, so that listing the names does not import torch or scikit-learn."""

from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Mapping[str, type[T]], Generic[T]):
    """Read-only mapping from names to lazily imported classes."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Create a registry.

        Args:
            paths: name -> `package.module:Class`.
        """
        self._paths = dict(paths)

    def __getitem__(self, name: str) -> type[T]:
        registered: type[T] = resolve_name(self._paths[name])
        return registered

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
