#!/usr/bin/env python3
"""Makes up safetensors files with faults, and writes down what the reference implementation makes of each.

    python3 scripts/golden_safetensors.py [COUNT [SEED [FILE]]]

FILE, tests/golden/safetensors.txt unless named, has a line for each: "accepted" or "refused", the file's bytes in
hexadecimal, and of an accepted one its arrays as NAME:SIZE,SIZE with the name in hexadecimal. Needs safetensors.
"""
import random
import struct
import sys
from pathlib import Path

from safetensors import deserialize

HERE = Path(__file__).resolve().parent.parent / "tests/golden/safetensors.txt"
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U32": 4, "U16": 2, "U8": 1,
         "BOOL": 1}
NUMBERS = ["-1", "-0", "0", "00", "01", "1", "1.0", "1e0", "0x1", "+1", "1 ", "4294967296", "2305843009213693952",
           "4611686018427387904", "9223372036854775807", "9223372036854775808", "18446744073709551615",
           "18446744073709551616", "1" + "0" * 40, "true", "null", '"1"', "[1]", "{}", "NaN", ""]
VALUES = ["null", "true", "0", "-1", '""', '"x"', "[]", "{}", "[0]", "[0,0]", '{"a":1}', '["F32"]', ""]
TYPES = ["f32", "F32 ", "", "F8_E4M3", "F8_E5M2", "F4", "F6_E2M3", "C64", "U64", "I128", "F\\u0033\\u0032", "Q4_0"]
NAMES = ["", "a", "b", "\\u0061", "w.0", "é", "\\u00e9", "\\ud83d\\ude00", "😀", "\\ud83d", "\\ude00", "\\ude00\\ud83d",
         "\\ud83dx", "\\ud83d\\u0061", "\\u12", "\\u+123", "\\uD83D\\uDE00", "\\x41", "\\\"", "\\/", "\\\\", "\\b\\f\\n\\r\\t",
         "\\u0000", "a\tb", "a\x7fb", "a\x00b", "__metadata__", "\\u005f_metadata__", "dtype", "n" * 300]


class File:
    """A header as pieces of text, so that it can say what no library would write."""

    def __init__(self, chance):
        self.chance, self.entries, at = chance, [], 0
        for i in range(chance.randint(0, 4)):
            dtype = chance.choice(list(BYTES))
            shape = [chance.choice([0, 1, 2, 3]) for _ in range(chance.randint(0, 3))]
            end = at + BYTES[dtype]
            for size in shape:
                end = at + (end - at) * size
            self.entries.append([f"{chance.choice(NAMES[:5])}{i}", {
                "dtype": f'"{dtype}"', "shape": list(map(str, shape)), "data_offsets": [str(at), str(end)]}])
            at = end
        self.metadata = chance.choice([None, None, "{}", '{"format":"pt"}', '{"a":"","b":"é"}'])
        self.data = bytes(at)
        self.fields = []  # pieces beside the entries

    def entry(self):
        return self.chance.choice(self.entries)[1] if self.entries else {}

    def text(self):
        def value_of(entry):
            if isinstance(entry, str):
                return entry
            fields = [(key, f"[{','.join(value)}]" if isinstance(value, list) else value) for key, value in entry.items()]
            self.chance.shuffle(fields)
            return "{" + ",".join(f'"{key}":{value}' for key, value in fields) + "}"

        fields = [f'"{name}":{value_of(entry)}' for name, entry in self.entries] + self.fields
        if self.metadata is not None:
            fields.insert(self.chance.randint(0, len(fields)), f'"__metadata__":{self.metadata}')
        self.chance.shuffle(fields)
        return "{" + ",".join(fields) + "}"


def offsets(file):
    entry, pick = file.entry(), file.chance.choice
    pair = entry.get("data_offsets")
    if not (isinstance(pair, list) and len(pair) == 2 and all(n.isdigit() for n in pair)):
        pair = ["0", "4"]
    entry["data_offsets"] = pick([
        pair[::-1], pair[:1], pair + ["0"], [], pick(VALUES), [pick(NUMBERS), pair[1]], [pair[0], pick(NUMBERS)],
        [str((int(n) + pick([-1, 1, 4, 2**32, 2**63, 2**64])) % 2**65) for n in pair], ["1", "0"]])


def shapes(file):
    entry, pick = file.entry(), file.chance.choice
    shape = entry.get("shape")
    shape = shape if isinstance(shape, list) else []
    entry["shape"] = pick([shape + [pick(NUMBERS)], [pick(NUMBERS)] + shape, shape[1:], pick(VALUES), ["1"] * 40])


def wrapping_products(file):
    entry, pick = file.entry(), file.chance.choice
    sizes = [["4611686018427387904", "4"], ["4294967296", "4294967296"], ["18446744073709551615", "2"],
             ["9223372036854775808", "2", "0"], ["6700417", "2753074036095"], ["65536"] * 4]
    entry["shape"] = pick(sizes) + pick([[], ["0"], ["1"]])
    entry["data_offsets"] = pick([["0", "0"], ["0", "4"], entry.get("data_offsets", ["0", "0"])])


def types(file):
    entry = file.entry()
    entry["dtype"] = file.chance.choice([f'"{file.chance.choice(TYPES)}"', file.chance.choice(VALUES)])


def names(file):
    if file.entries:
        file.chance.choice(file.entries)[0] = file.chance.choice(NAMES)


def duplicates(file):
    if not file.entries:
        return
    name, entry = file.chance.choice(file.entries)
    other = file.chance.choice([name, "".join(f"\\u{ord(c):04x}" for c in name if c != "\\"), f"{name}2"])
    file.entries.append([other, file.chance.choice([entry, dict(entry)])])


def fields(file):
    entry, pick = file.entry(), file.chance.choice
    if entry and file.chance.random() < 0.5:
        del entry[pick(list(entry))]
    else:
        entry[pick(["extra", "d\\u0074ype", "Shape", "", "shape ", "data_offset"])] = pick(VALUES + ["[0,0]", '"F32"'])


def metadata(file):
    file.metadata = file.chance.choice(VALUES + [
        '{"a":null}', '{"a":["x"]}', '{"a":{"b":"c"}}', '{"a":"1","a":"2"}', '{"a":"1","\\u0061":"2"}', '{"\\ud83d":""}'])


def pieces(file):
    entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    file.fields.append(file.chance.choice(['"m":null', '"m":[]', f'"m":[{entry}]', '"__metadata__":{}', '"m":1', entry,
                                           "", '"m"', ":1", f"m:{entry}", f"'m':{entry}", f'"m":{entry}//', f"1:{entry}"]))


def nesting(file):
    depth = file.chance.choice([2, 20, 127, 128, 129, 500])
    file.fields.append(file.chance.choice([f'"m":{"[" * depth}{"]" * depth}', f'"m":{"[" * depth}',
                                           '"m":' + '{"a":' * depth + "1" + "}" * depth]))


def data(file):
    file.data = file.chance.choice([file.data + b"\0", file.data[:-1], b"", file.data + bytes(8), b"\2" * len(file.data)])


FAULTS = [offsets, shapes, wrapping_products, types, names, duplicates, fields, metadata, pieces, nesting, data]


def broken_text(chance, text):
    text = bytearray(text)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            text[at:at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del text[at:at + chance.choice([1, 1, 10, 1000])]
        elif kind == 2:
            text.insert(at, chance.choice(b'{}[]",:0 1\\e-+.\t\n\0\xff\xc3'))
        elif kind == 3:
            text += chance.choice([b" ", b"\n", b"\0", b"}", b" x", b"\t", b"\0" * 8, b"\xc2\xa0"])
        else:
            text[:0] = chance.choice([b" ", b"\n", b"\xef\xbb\xbf", b"\0", b"\xff\xfe"])
    return bytes(text)


def broken_length(chance, length):
    return chance.choice([0, length - 1, length + 1, length + 8, 10**8, 10**8 + 1, 2**31, 2**32 + length, 2**63,
                          2**63 + length, 2**64 - 1, 2**64 - 8, length << 8])


def make(chance):
    file = File(chance)
    for _ in range(chance.choice([0, 1, 1, 1, 2])):
        chance.choice(FAULTS)(file)
    text = file.text().encode("utf-8", "surrogatepass")
    if chance.random() < 0.25:
        text = broken_text(chance, text)
    text += b" " * chance.choice([0, 0, -len(text) % 8])
    length = len(text)
    if chance.random() < 0.06:
        length = broken_length(chance, length) % 2**64
    content = struct.pack("<Q", length) + text + file.data
    return content[:chance.randrange(9)] if chance.random() < 0.01 else content


def verdict(content):
    try:
        arrays = deserialize(content)
    except Exception:  # whatever it raises, it refuses
        return f"refused {content.hex()}"
    shapes_of = (f"{name.encode().hex()}:{','.join(map(str, array['shape']))}" for name, array in arrays)
    return " ".join(["accepted", content.hex(), *sorted(shapes_of)])


def main():
    count, seed = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 500), (2, 0)))
    chance = random.Random(seed)
    lines = "".join(f"{verdict(make(chance))}\n" for _ in range(count))
    Path(sys.argv[3] if len(sys.argv) > 3 else HERE).write_text(lines, encoding="ascii")


if __name__ == "__main__":
    main()
