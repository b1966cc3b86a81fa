#!/usr/bin/env python3
"""Writes the novels of Debian's r-cran-janeaustenr as one plain text: novels.py Rdata.rdb OUT.

The package keeps each novel as an R vector of lines. An .rdb file is a row of blocks: a 4-byte length
of the unpacked data, then a zlib stream that holds one value in R's XDR serialisation (R Internals, 1.8).
"""
import struct
import sys
import zlib
from pathlib import Path

STRING_VECTOR = 16


def blocks(packed):
    while packed:
        (size,) = struct.unpack_from(">I", packed)
        stream = zlib.decompressobj()
        value = stream.decompress(packed[4:])
        if not stream.eof or len(value) != size:
            raise ValueError("damaged block")
        packed = stream.unused_data
        yield value


def lines(value):
    """The strings of one serialised character vector."""
    (version,) = struct.unpack_from(">I", value, 2)
    at = 14
    if version == 3:
        at += 4 + struct.unpack_from(">I", value, at)[0]
    flags, count = struct.unpack_from(">II", value, at)
    if value[:2] != b"X\n" or flags & 0xFF != STRING_VECTOR:
        raise ValueError("not a vector of strings")
    at += 8
    for _ in range(count):
        (length,) = struct.unpack_from(">i", value, at + 4)
        at += 8
        yield value[at : at + max(length, 0)].decode("utf-8")
        at += max(length, 0)


def main():
    source, target = map(Path, sys.argv[1:])
    novels = ["\n".join(lines(value)) for value in blocks(source.read_bytes())]
    target.write_text("\n\n\n".join(novels) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
