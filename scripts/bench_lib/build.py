"""Building the benchmark programs, and what they offer."""
import os
import re
import subprocess
import sys
from pathlib import Path

from .failure import Failure

PROGRAMS = ("transformer", "inference", "ops", "overhead", "limits")  # bench/NAME.cpp -> bench_NAME

# In the words of the other scripts.
SCRIPT = """
set -euo pipefail
source "$1/scripts/lib.sh"
install_packages "${build_packages[@]}"
build=$2
shift 2
configure "$build" -DATTUNE_BENCH=ON
compile "$build" "$@"
"""


def build_programs(root, folder):
    """{"transformer": path of the program, ...}, built as Release."""
    check_release(folder)
    print(f"building the benchmarks in {folder}", file=sys.stderr)
    targets = [f"bench_{name}" for name in PROGRAMS]
    command = ["bash", "-c", SCRIPT, "bench", root, folder, *targets]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"building in {folder} failed: {last_error(done.stdout)}")
    return {name: Path(folder).resolve() / f"bench_{name}" for name in PROGRAMS}


def check_release(folder):
    try:
        cache = (folder / "CMakeCache.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache, re.MULTILINE)
    sanitized = re.search(r"^ATTUNE_SANITIZE:\w+=(.+)$", cache, re.MULTILINE)
    if sanitized or (kind and kind[1] not in ("Release", "RelWithDebInfo", "")):
        raise Failure(f"{folder} is no Release build; name another folder with --build")


def last_error(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    return next((line for line in lines if "error" in line.lower()), lines[-1])


def listed_lines(programs):
    """{name of a line: the program that measures it}, in the order of the table."""
    lines = {}
    for name, program in programs.items():
        if name != "limits":
            listing = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, check=False)
            if listing.returncode != 0:
                raise Failure(f"{program} --list: exit status {listing.returncode}")
            lines.update(dict.fromkeys(listing.stdout.split(), program))
    return {**lines, "gpt2_step_threads": lines["gpt2_step"]}


def check_json_target(path):
    """Fails now rather than after minutes of measuring."""
    if path is None:
        return
    folder = Path(path).resolve().parent
    if Path(path).is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Failure(f"--json {path}: not a file that can be written")
