"""Random generators by purpose, so that drawing more numbers for one purpose never changes another."""

import zlib

import numpy


def generator(seed: int, purpose: str, *numbers: int) -> numpy.random.Generator:
    """Return the generator of a purpose, e.g. `generator(seed, "uploads", day)`. The same arguments give the same numbers."""
    return numpy.random.default_rng([seed, zlib.crc32(purpose.encode()), *numbers])
