"""The list of faults that change no result, each with the reason."""
import re
import sys

from .workshop import ROOT

LIST = ROOT / "scripts" / "mutants_lib" / "equivalent.txt"
ENTRY = re.compile(r"^(?P<file>\S+)\n +- (?P<old>.*)\n +\+ (?P<new>.*)\n +because (?P<reason>.*(?:\n {8,}.*)*)", re.M)


def read_equivalents():
    """{(file, old line, new line): reason}; an error for an entry whose line is not there just once."""
    found, faults = {}, []
    for entry in ENTRY.finditer(LIST.read_text(encoding="utf-8")):
        path = ROOT / entry["file"]
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        if lines.count(entry["old"]) != 1:
            faults.append(f"{entry['file']} has {lines.count(entry['old'])} lines \"{entry['old']}\"")
        found[entry["file"], entry["old"], entry["new"]] = " ".join(entry["reason"].split())
    if faults:
        sys.exit("\n".join(f"error: equivalent.txt: {fault}" for fault in faults))
    return found
