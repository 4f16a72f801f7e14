"""Read the variables of a TensorFlow checkpoint (the "tensor bundle" that Saver writes since 1.0) without TensorFlow.

`model.ckpt.index` is a LevelDB table from names to protocol-buffer entries (type, shape, shard, offset, size), and
`model.ckpt.data-00000-of-00001` holds the values. Formats: leveldb/doc/table_format.md, tensorflow/core/protobuf/
tensor_bundle.proto. TensorFlow writes the table uncompressed; a compressed one is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Tuple, Union

import numpy as np

from antipodal.errors import ModelError

MAGIC = 0xDB4775248B80FB57
FOOTER = 48  # bytes: two block handles, padding, magic
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # tensorflow/core/framework/types.proto

Fields = Dict[int, List[Union[int, bytes]]]


@dataclass(frozen=True)
class Entry:
    """Position of a variable in the data file."""

    dtype: int
    shape: Tuple[int, ...]
    shard: int
    offset: int
    size: int


def read_checkpoint(prefix: Union[str, Path]) -> Dict[str, np.ndarray]:
    """Every float or integer variable by name, of the checkpoint at `prefix` (such as DIR/model.ckpt).

    Raises ModelError where a file is missing, damaged or compressed.
    """
    index = Path(f"{prefix}.index")
    try:
        entries = read_index(index.read_bytes())
        shards = _shard_count(entries)
        data = [Path(f"{prefix}.data-{i:05d}-of-{shards:05d}").read_bytes() for i in range(shards)]
        found = {name.decode(): _parse_entry(value) for name, value in entries.items() if name}
        return {name: _value(entry, data[entry.shard]) for name, entry in found.items() if entry.dtype in DTYPES}
    except OSError as e:
        raise ModelError(f"no whole TensorFlow checkpoint at {prefix}: {e}") from e
    except (IndexError, KeyError, ValueError, struct.error) as e:
        raise ModelError(f"the TensorFlow checkpoint {prefix} is damaged: {e}") from e


def read_index(table: bytes) -> Dict[bytes, bytes]:
    """Keys and values of a LevelDB table."""
    if len(table) < FOOTER or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        raise ValueError("its index does not end as a table does")
    position = 0
    _, position = _varint(table[-FOOTER:], position)  # the meta index is empty
    _, position = _varint(table[-FOOTER:], position)
    offset, position = _varint(table[-FOOTER:], position)
    size, position = _varint(table[-FOOTER:], position)
    entries: Dict[bytes, bytes] = {}
    for _, handle in _block(table, offset, size):
        start, after = _varint(handle, 0)
        length, _ = _varint(handle, after)
        entries.update(_block(table, start, length))
    return entries


def _block(table: bytes, offset: int, size: int) -> Iterator[Tuple[bytes, bytes]]:
    """Entries of a block. Each key is stored as the length that it shares with the last one, and the rest."""
    block, kind = table[offset : offset + size], table[offset + size]
    if kind != 0:
        raise ModelError("the checkpoint's index is compressed; save it again with TensorFlow 1.2 or later")
    restarts = struct.unpack("<I", block[-4:])[0]
    end, position, key = size - 4 * (restarts + 1), 0, b""
    while position < end:
        shared, position = _varint(block, position)
        added, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + added]
        position += added
        yield key, block[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> Tuple[int, int]:
    """A variable-length integer, and the position after it."""
    value, shift = 0, 0
    while True:
        byte = data[position]
        value, shift, position = value | (byte & 0x7F) << shift, shift + 7, position + 1
        if byte < 0x80:
            return value, position


def _message(data: bytes) -> Fields:
    """Values of a protocol-buffer message by field number."""
    fields: Fields = {}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        value: Union[int, bytes]
        if tag & 7 == 0:
            value, position = _varint(data, position)
        else:
            length, position = (
                (4, position) if tag & 7 == 5 else (8, position) if tag & 7 == 1 else _varint(data, position)
            )
            value, position = data[position : position + length], position + length
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _integer(fields: Fields, key: int) -> int:
    """An integer field; protocol buffers leave out a zero."""
    value = fields.get(key, [0])[0]
    if not isinstance(value, int):
        raise ValueError(f"field {key} is not a number")
    return value


def _shard_count(entries: Dict[bytes, bytes]) -> int:
    """The number of data files, from the header, which is stored under the empty name."""
    header = _message(entries[b""])
    if _integer(header, 2) != 0:
        raise ValueError("it was written on a big-endian machine")
    return _integer(header, 1)


def _parse_entry(data: bytes) -> Entry:
    fields = _message(data)
    shape = fields.get(2, [b""])[0]
    dims = _message(shape if isinstance(shape, bytes) else b"").get(2, [])
    sizes = tuple(_integer(_message(d), 1) for d in dims if isinstance(d, bytes))
    return Entry(_integer(fields, 1), sizes, *(_integer(fields, k) for k in (3, 4, 5)))


def _value(entry: Entry, data: bytes) -> np.ndarray:
    dtype = np.dtype(DTYPES[entry.dtype])
    if entry.size != int(np.prod(entry.shape)) * dtype.itemsize or entry.offset + entry.size > len(data):
        raise ValueError(f"a variable of shape {entry.shape} does not fit its {entry.size} bytes or the data file")
    count = entry.size // dtype.itemsize
    return np.frombuffer(data, dtype, count=count, offset=entry.offset).reshape(entry.shape).copy()
