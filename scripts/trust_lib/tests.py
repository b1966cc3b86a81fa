"""Promises that tests of the suite keep: an item runs them and shows the figures that they print."""
import os
import resource
import subprocess

from .item import Outcome


def run(context, layer, *files, stack_kb=8192, **environment):
    """Runs the test files of a layer, without "_test.cpp"; the lines that they print are the figure.

    environment: variables that tell them how much to try."""
    chosen = ",".join(f"[#{name}_test]" for name in files)
    command = [context.build / "tests" / f"test_{layer}", "-#", chosen]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, **environment},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (stack_kb * 1024, stack_kb * 1024)),
    )
    lines = done.stdout.strip().splitlines()
    shown = [line for line in lines if line and not line.startswith(("Filters:", "===", "All tests passed"))]
    if done.returncode != 0:
        faults = [line for line in lines if "FAILED" in line or line.startswith("  ")]
        return Outcome(f"exit status {done.returncode}", faults or [f"exit status {done.returncode}"])
    return Outcome("; ".join(shown) or lines[-1])


def joined(*outcomes):
    """One outcome of several."""
    return Outcome("; ".join(one.figure for one in outcomes), [fault for one in outcomes for fault in one.faults])
