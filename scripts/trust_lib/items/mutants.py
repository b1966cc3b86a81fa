import subprocess
from pathlib import Path

from ..failure import Failure
from ..item import Outcome

PROMISE = "the tests notice faults planted in formulas and kernels"
TARGETS = ()
SCRIPTS = Path(__file__).resolve().parents[2]


def check(context):
    program = [SCRIPTS / "mutants", "--count", str(context.scaled(10))]
    done = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = done.stdout.splitlines()
    figures = [line for line in lines if line.startswith("mutants: ")]
    if not figures:
        raise Failure(f"scripts/mutants failed: {lines[-1] if lines else done.returncode}")
    survivors = [line for line in lines if line.startswith("survived: ")]
    return Outcome(figures[0], survivors if done.returncode else [])
