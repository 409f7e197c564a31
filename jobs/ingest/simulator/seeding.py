"""Random generators named by what they draw, so that drawing more of one thing never changes another."""

import zlib

import numpy


def generator(seed: int, purpose: str, *numbers: int) -> numpy.random.Generator:
    """The generator of one purpose, e.g. `generator(seed, "uploads", day)`; the same arguments give the same draws."""
    return numpy.random.default_rng([seed, zlib.crc32(purpose.encode()), *numbers])
