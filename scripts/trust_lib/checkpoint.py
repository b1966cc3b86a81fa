"""Reads checkpoints of attune without attune: format and checksum are written down here a second time."""
import json
import re
from functools import reduce

NAMES = {"F32": "float32", "F64": "float64", "BF16": "bfloat16", "I64": "int64", "BOOL": "bool"}
POLYNOMIAL = 0xC96C5795D7870F42


def _entry(byte):
    return reduce(lambda value, _: (value >> 1) ^ (POLYNOMIAL if value & 1 else 0), range(8), byte)


TABLE = [_entry(byte) for byte in range(256)]


def crc64(data):
    state = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        state = (state >> 8) ^ TABLE[(state ^ byte) & 255]
    return state ^ 0xFFFFFFFFFFFFFFFF


def steps(folder):
    """{step: path} of what stands in the folder under a checkpoint's name."""
    found = {}
    for path in folder.glob("step-*.safetensors"):
        match = re.fullmatch(r"step-(\d+)\.safetensors", path.name)
        if match:
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def fault(path):
    """What is wrong with a checkpoint, in a line; None if it is whole."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 + size:
        return f"{path.name}: its header is cut"
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    if 8 + size + max(entry["data_offsets"][1] for entry in header.values()) != len(data):
        return f"{path.name}: its data are cut"
    covered = bytearray()
    for key in sorted(metadata):
        if key != "checksum":
            covered += f"{key}\0{metadata[key]}\0".encode()
    for name in sorted(header):
        entry = header[name]
        begin, end = entry["data_offsets"]
        covered += f"{name}\0{NAMES[entry['dtype']]} {entry['shape']}\0".encode()
        covered += data[8 + size + begin : 8 + size + end]
    if f"{crc64(covered):016x}" != metadata["checksum"]:
        return f"{path.name}: its content does not have its checksum"
    return None
