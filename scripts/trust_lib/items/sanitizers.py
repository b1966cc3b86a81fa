"""The whole suite under the sanitizers. Both builds take long, so they are made from a budget of 2 on; below, what
stands in build-asan and build-tsan already is brought up to date and run, and nothing else is tried."""
import os
import re
import subprocess
from pathlib import Path

from ..item import Outcome

PROMISE = "the test suite is clean under the address, leak, undefined-behaviour and thread sanitizers"
TARGETS = ()
ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    "asan": {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
    "tsan": {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1"},
}
SCRIPT = """
set -euo pipefail
source "$1/scripts/lib.sh"
install_packages "${build_packages[@]}" "${test_packages[@]}"
install_clang libomp-dev
configure "$build-$2" --preset "$2"
compile "$build-$2"
run_tests "$build-$2"
"""


def check(context):
    chosen = [name for name in ENVIRONMENT if context.budget > 1 or (ROOT / f"build-{name}" / "build.ninja").exists()]
    left_out = [name for name in ENVIRONMENT if name not in chosen]
    figures, faults = [], []
    for name in chosen:
        done = subprocess.run(
            ["bash", "-c", SCRIPT, "trust", ROOT, name], env={**os.environ, **ENVIRONMENT[name]},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        count = re.search(r"tests passed, \d+ tests failed out of (\d+)", done.stdout)
        figures.append(f"{name}: {count[1]} test files" if count else f"{name}: no tests ran")
        if done.returncode != 0:
            failed = re.findall(r"^\s*\d+ - (\S+) \((?:Failed|Timeout|SEGFAULT).*$", done.stdout, re.MULTILINE)
            faults += [f"{name}: {test}" for test in failed] or [f"{name}: {done.stdout.strip().splitlines()[-1]}"]
    if left_out:
        figures.append(f"--budget 2 makes and runs {' and '.join(left_out)}, whose builds take long")
    return Outcome("; ".join(figures), faults, tried=bool(chosen))
