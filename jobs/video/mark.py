"""An invisible mark in the frames that says which clip they are of, also after a re-encoding and a crop.

A message of 64 bits, the first 16 hexadecimal digits of a clip's name, is written as a faint pattern of lighter and darker
squares (spread spectrum, Cox et al. 1997, https://doi.org/10.1109/83.650120). Every frame has the same pattern, because
encoders keep what stands still.

- **Tiles.** A tile of 64 x 64 pixels has 16 x 16 squares of 4 x 4 pixels, and tiles cover the frame. So every part of a frame
  that is larger than a tile has the whole message, and a crop only moves the origin of the tiles.
- **Origin.** 64 squares of a tile do not depend on the message. Their correlation with the frames at each of the 64 x 64
  possible origins tells where the tiles are.
- **Message.** The other 192 squares are the bits and their CRC-24, in a convolutional code of rate 1/2 and constraint length
  9 (generators 561 and 753, octal, as in IS-95), which the Viterbi algorithm decodes from how much lighter each square is.
- **Noise.** The picture itself is the noise, mostly small with large values at edges. So a square counts by the score
  function of the Cauchy distribution, x / (1 + x²), which ignores edges.
- **No wrong names.** The CRC refuses what is no mark. `_ORIGINS` origins are tried, so of random clips one in two million has
  a name.

The mark does not survive a change of the size, a rotation or a mirror. Whoever has this module can read a mark, and so can remove
it: it leads back from files that went astray, and is no proof; the signature of the manifest is.
"""

import hashlib
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.video.generator import Frames

DIGITS = 16
"""Number of hexadecimal digits of a clip's name that a mark contains."""
VERSION = "squares of 4 px, 64 bits, 1"
"""Identifies the mark; change it whenever `embed` changes."""
MOST_FRAMES = 240
"""More frames say nothing new: it is the same mark in each of them."""

_SQUARE = 4  # pixels
_SIDE = 16  # squares
_TILE = _SQUARE * _SIDE
_WINDOW = 3 * _SQUARE
"""A square is compared with the mean of the window of this size around it, pixels."""
_PILOTS = 64
"""Number of squares of a tile that do not depend on the message."""
_BITS = 4 * DIGITS
_CRC_BITS, _CRC_START, _CRC_POLYNOMIAL = 24, 0xB704CE, 0x864CFB  # of OpenPGP, RFC 4880, 6.1
_MEMORY = 8
_GENERATORS = (0o561, 0o753)
_STRENGTH = 2.0
"""How much lighter or darker a square is made, levels of 255."""
_LEAST_NOISE = 1.0
"""Scale of the Cauchy distribution of squares in a plain picture, levels of 255; in a rough one half their median."""
_ORIGINS = 8
"""Number of likely origins at which a message is sought."""

_Bits = NDArray[np.uint8]
_Plane = NDArray[np.float32]


def embed(frames: Frames, name: str) -> Frames:
    """Return the frames (T, H, W, 3) with the mark of the clip with this name."""
    height, width = frames.shape[1:3]
    tile = np.kron(_tile(name), np.full((_SQUARE, _SQUARE), _STRENGTH, np.float32))
    pattern = np.tile(tile, (-(-height // _TILE), -(-width // _TILE)))[:height, :width, None]
    return np.stack([np.clip(np.rint(frame + pattern), 0, 255).astype(np.uint8) for frame in frames])


def detect(frames: Iterable[NDArray[np.uint8]]) -> str | None:
    """Return the first `DIGITS` digits of the name of the clip that the frames are of; None if they have no readable mark.

    Args:
        frames: the brightness of each frame, (H, W).
    """
    tile = _mean_tile(frames)
    pilots, data, signs = _layout()
    template = np.zeros(_SIDE * _SIDE, np.float32)
    template[pilots] = signs[pilots]
    spread = np.zeros((_TILE, _TILE), np.float32)
    spread[::_SQUARE, ::_SQUARE] = template.reshape(_SIDE, _SIDE)
    correlation = np.fft.ifft2(np.fft.fft2(tile) * np.fft.fft2(spread).conj()).real
    for origin in np.argsort(correlation, axis=None)[::-1][:_ORIGINS]:
        top, left = divmod(int(origin), _TILE)
        squares = np.roll(tile, (-top, -left), (0, 1))[::_SQUARE, ::_SQUARE].ravel()
        bits = _decode(squares[data] * signs[data])
        if np.array_equal(_crc(bits[:_BITS]), bits[_BITS:]):
            return f"{int(''.join(map(str, bits[:_BITS])), 2):0{DIGITS}x}"
    return None


@cache
def _layout() -> tuple[NDArray[np.int64], NDArray[np.int64], _Plane]:
    """Return the squares of the pilot, those of the message in their order, and a random sign of each square of a tile, ±1."""
    digests = [hashlib.sha256(f"nightreel mark {square}".encode()).digest() for square in range(_SIDE * _SIDE)]
    order = np.array(sorted(range(_SIDE * _SIDE), key=digests.__getitem__))
    return order[:_PILOTS], order[_PILOTS:], np.array([1 - 2 * (digest[-1] & 1) for digest in digests], np.float32)


def _tile(name: str) -> _Plane:
    """Return the pattern of a clip, (16, 16), ±1."""
    _, data, signs = _layout()
    bits = np.array([*f"{int(name[:DIGITS], 16):0{_BITS}b}"], np.uint8)
    tile = signs.copy()
    tile[data] *= _encode(np.concatenate([bits, _crc(bits)]))
    return tile.reshape(_SIDE, _SIDE)


def _mean_tile(frames: Iterable[NDArray[np.uint8]]) -> _Plane:
    """Return how much lighter the squares that start at each pixel of a tile are than what is around them, on average: (64, 64).

    The tiles are counted from the upper left corner of the frames.
    """
    total, count = np.zeros((_TILE, _TILE), np.float64), np.zeros((_TILE, _TILE), np.float64)
    for frame in frames:
        lighter = _lighter(frame)
        if not lighter.size:
            continue
        whole = [(0, -length % _TILE) for length in lighter.shape]
        rows, columns = (-(-length // _TILE) for length in lighter.shape)
        for of_tile, values in ((total, lighter), (count, np.ones_like(lighter))):
            of_tile += np.pad(values, whole).reshape(rows, _TILE, columns, _TILE).sum((0, 2))
    margin = (_WINDOW - _SQUARE) // 2
    return np.roll(total / np.maximum(count, 1), (margin, margin), (0, 1)).astype(np.float32)


def _lighter(frame: NDArray[np.uint8]) -> _Plane:
    """Return how much lighter each square is than its window, as a score that large differences hardly change.

    The first square starts at the pixel (4, 4), so there are no differences in a frame that is smaller than a window.
    """
    if min(frame.shape) < _WINDOW:
        return np.zeros((0, 0), np.float32)
    margin = (_WINDOW - _SQUARE) // 2
    windows = _means(frame, _WINDOW)
    squares = _means(frame, _SQUARE)[margin : margin + windows.shape[0], margin : margin + windows.shape[1]]
    difference = squares - windows
    difference /= max(_LEAST_NOISE, float(np.median(np.abs(difference))) / 2)
    return (difference / (1 + difference**2)).astype(np.float32)


def _means(frame: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Return the mean of the `size` x `size` pixels that start at each pixel, (H - size + 1, W - size + 1)."""
    sums = np.pad(frame.cumsum(0, dtype=np.int64).cumsum(1), ((1, 0), (1, 0)))
    means: NDArray[np.float64] = (
        sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    ) / size**2
    return means


def _crc(bits: _Bits) -> _Bits:
    register = _CRC_START
    for bit in bits:
        register = (register << 1) ^ (int(bit) << _CRC_BITS)
        if register >> _CRC_BITS:
            register ^= 1 << _CRC_BITS | _CRC_POLYNOMIAL
    return np.array([*f"{register:0{_CRC_BITS}b}"], np.uint8)


@cache
def _outputs() -> _Plane:
    """Return the two coded bits (1 as -1, 0 as 1) of each content of the coder's register, (512, 2)."""
    registers = np.arange(2 ** (_MEMORY + 1))
    parities = [np.bitwise_count(registers & generator) & 1 for generator in _GENERATORS]
    return (1 - 2 * np.stack(parities, 1).astype(np.float32)).astype(np.float32)


def _encode(bits: _Bits) -> _Plane:
    """Return the coded bits, ±1; the register is empty at the start and at the end."""
    register, coded = 0, []
    for bit in (*bits, *[0] * _MEMORY):
        register = register >> 1 | int(bit) << _MEMORY
        coded.append(_outputs()[register])
    return np.concatenate(coded)


def _decode(soft: _Plane) -> _Bits:
    """Return the bits whose code agrees most with the values, by the Viterbi algorithm."""
    states = 2**_MEMORY
    best = np.full(states, -np.inf)
    best[0] = 0.0
    registers = np.arange(2 * states)
    choices = []
    for pair in soft.reshape(-1, 2):
        agreement = (best[registers % states] + _outputs() @ pair).reshape(states, 2)  # by the state that follows
        choices.append(agreement.argmax(1))
        best = agreement.max(1)
    state, bits = 0, []
    for choice in reversed(choices):
        register = 2 * state + int(choice[state])
        bits.append(register >> _MEMORY)
        state = register % states
    return np.array(bits[: _MEMORY - 1 : -1], np.uint8)
