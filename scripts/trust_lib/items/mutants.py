import re
import subprocess
from pathlib import Path

from ..failure import Failure
from ..item import Outcome

PROMISE = "the tests notice faults planted in formulas and kernels"
TARGETS = ()
SCRIPTS = Path(__file__).resolve().parents[2]


def check(context):
    program = [SCRIPTS / "mutants", "--count", str(context.scaled(20))]
    done = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    figure = re.search(r"^mutants: (.*)$", done.stdout, re.MULTILINE)
    if not figure:
        raise Failure(f"scripts/mutants failed: {done.stdout[-500:] or done.returncode}")
    survivors = [" ".join(survivor.split()) for survivor in done.stdout.split("survived: ")[1:]]
    return Outcome(figure[1], survivors if done.returncode else [])
