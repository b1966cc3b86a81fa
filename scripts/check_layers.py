#!/usr/bin/env python3
"""Checks what may include what (docs/architecture.md), and that no file has grown too long.

One line for each violation; exit status 1 if there is any.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Folder: the folders that its files may include. Arrows go down only; nn, optim and io do not know each other.
ALLOWED = {
    "array": {"array"},
    "kernels": {"array", "kernels"},
    "autograd": {"array", "kernels", "autograd"},
    "nn": {"array", "kernels", "autograd", "nn"},
    "optim": {"array", "kernels", "autograd", "optim"},
    "io": {"array", "kernels", "autograd", "io"},
    "hub": {"array", "kernels", "autograd", "nn", "io", "hub"},
    "train": {"array", "kernels", "autograd", "nn", "optim", "io", "train"},
    "attune": {"array", "kernels", "autograd", "nn", "optim", "io", "hub", "train", "attune"},
    "tests": {"tests"},
    "examples": {"examples"},
    "bench": {"bench"},
}
USERS = {"tests", "examples", "bench"}

# Libraries that a header would push onto every user. The front door offers fmt, which users print with;
# *-inl.h files are pieces of .cpp files.
HEAVY = re.compile(r"fmt/|nlohmann/|hwy/|c?blas|omp\.h")
CBLAS_FILE = "kernels/gemm.cpp"
# Two for .cpp files only, and array/format.h, which only the front door includes.
HEAVY_BY_NATURE = {"array/fail.h": "fmt/", "kernels/parallel.h": "omp.h", "array/format.h": "fmt/"}
INNER = ("array", "kernels")  # have no front door of their own, so tests reach in

LONG = 400
TOO_LONG = 600

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
FRONT_DOOR = re.compile(r"\s*(#\s*(include|pragma once)\b.*|//.*)?$")


def is_light_header(path):
    return path.suffix == ".h" and not path.name.endswith("-inl.h") and path.parts[0] not in USERS


def check_quoted(path, target):
    """The fault of #include "target", or None."""
    folder = path.parts[0]
    resolved = (ROOT / path.parent / target).resolve()
    if not resolved.is_file():
        return f'"{target}" is not a path relative to this file'
    if not resolved.is_relative_to(ROOT):
        return f'"{target}" is outside the project'
    into = resolved.relative_to(ROOT).parts[0]
    if into in ALLOWED[folder] or (folder == "tests" and into in INNER):
        return None
    return f'"{target}": ' + (
        "include <attune/...> as a user does" if folder in USERS else f"{folder}/ may not include {into}/"
    )


def check_angled(path, target):
    """The fault of #include <target>, or None."""
    folder = path.parts[0]
    if target.startswith("attune/") and folder not in USERS:
        return f"<{target}> is for users; inside the library include relative to the file"
    if target == "cblas.h" and str(path) != CBLAS_FILE and folder not in USERS:
        return f"<{target}> belongs in {CBLAS_FILE} only"
    allowed = "fmt/" if folder == "attune" else HEAVY_BY_NATURE.get(str(path), target + "?")
    if is_light_header(path) and HEAVY.match(target) and not target.startswith(allowed):
        return f"<{target}> in a header; include it in the .cpp"
    return None


def check_file(path):
    """The faults of one file, as "path:line: text"."""
    faults = []
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if found:
            check = check_quoted if found[1] == '"' else check_angled
            fault = check(path, found[2])
            if fault:
                faults.append(f"{path}:{number}: {fault}")
        if path.parts[0] == "attune" and not FRONT_DOOR.match(line):
            faults.append(f"{path}:{number}: attune/ holds only #include lines")
    if len(lines) > TOO_LONG:
        faults.append(f"{path}: {len(lines)} lines, more than {TOO_LONG}")
    elif len(lines) > LONG:
        print(f"note: {path}: {len(lines)} lines; two files?")
    return faults


def main():
    files = [
        path.relative_to(ROOT)
        for folder in ALLOWED
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".h", ".cpp")
    ]
    faults = [fault for path in files for fault in check_file(path)]
    print("\n".join(faults + [f"{len(files)} files, {len(faults)} violations"]))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
