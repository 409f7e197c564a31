"""A hash of what rows hold, whatever their order and however files and batches cut them.

Every value becomes 64 bits, every row a mix of its columns' values, and the rows are added up modulo 2**64: a sum does not
know the order of its terms, and unlike an exclusive-or it does not forget rows that come twice. The bits of numbers are
stirred by SplitMix64's finaliser (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014),
texts are hashed by BLAKE2b (RFC 7693). It finds accidents, of which 64 bits miss one in 10**19; it is no proof against forgery.
"""

import hashlib
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_Bits: TypeAlias = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: multiples of it are spread evenly
_NULL = np.uint64(0x6E756C6C6E756C6C)


def content_hash(batches: Iterable[pa.RecordBatch]) -> str:
    """Hash the rows of some record batches, which all have the same columns.

    Columns count by name, not by position, and not where they are null: a table that gains a column keeps its hashes. Integers
    of any width are equal where their values are, as are all NaN, and 0.0 and -0.0; the entries of a map have no order, those
    of a list have.

    Returns:
        16 hexadecimal digits; all zero for no rows.

    Raises:
        pyarrow.ArrowNotImplementedError: a column is of a type that no table of the lake has, e.g. a union.
    """
    total = 0
    for batch in batches:
        rows = np.zeros(batch.num_rows, np.uint64)
        for name in batch.schema.names:
            column = batch.column(name)
            stirred = _mix(_bits(column) + _text_bits(name))
            stirred[np.asarray(column.is_null())] = 0  # as if it were not there: a table may gain columns
            rows += stirred
        total += int(_mix(rows).sum(dtype=np.uint64))
    return f"{total % 2**64:016x}"


def _mix(bits: _Bits) -> _Bits:
    bits = bits + _GAMMA
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: _Bits = bits ^ (bits >> np.uint64(31))
    return mixed


def _text_bits(text: str | bytes) -> np.uint64:
    data = text.encode() if isinstance(text, str) else text
    return np.uint64(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little"))


def _bits(values: pa.Array) -> _Bits:
    """64 bits for every value of an array, shape (len(values),)."""
    bits = _valid_bits(values)
    if values.null_count:
        bits = np.where(np.asarray(values.is_null()), _NULL, bits)
    return bits


def _valid_bits(values: pa.Array) -> _Bits:
    """The same, but anything where a value is null."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _bits(values.dictionary_decode())
    if pa.types.is_map(kind):
        entries = values.cast(pa.list_(pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])))
        return _summed(entries, _bits(pc.list_flatten(entries)))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parents = np.asarray(pc.list_parent_indices(values))
        place = np.arange(len(parents)) - np.searchsorted(parents, parents)
        return _summed(values, _bits(pc.list_flatten(values)) + place.astype(np.uint64) * _GAMMA)
    if pa.types.is_struct(kind):
        rows = np.zeros(len(values), np.uint64)
        for field, column in zip(kind, values.flatten(), strict=True):
            rows += _mix(_bits(column) + _text_bits(field.name))
        return _mix(rows)
    if pa.types.is_floating(kind):
        numbers = np.asarray(values.cast(pa.float64()).fill_null(0.0)) + 0.0  # which makes -0.0 the other zero
        return _mix(np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _mix(np.asarray(values.cast(pa.int64()).fill_null(0)).view(np.uint64))
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return _texts(values.cast(pa.string()))
    return _texts(values)


def _summed(lists: pa.Array, elements: _Bits) -> _Bits:
    """For each list the sum of its elements' bits, so that the caller decides by what it adds whether their order counts."""
    sums = np.zeros(len(lists), np.uint64)
    np.add.at(sums, np.asarray(pc.list_parent_indices(lists)), _mix(elements))
    return _mix(sums)


def _texts(values: pa.Array) -> _Bits:
    """Hash each different text or run of bytes once."""
    if not (pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)):
        values = values.cast(pa.large_binary() if pa.types.is_binary(values.type) else pa.large_string())
    encoded = values.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    bits = np.fromiter((_text_bits(word) for word in words), np.uint64, len(words))
    return bits[np.asarray(encoded.indices.fill_null(0))] if words else np.zeros(len(values), np.uint64)
