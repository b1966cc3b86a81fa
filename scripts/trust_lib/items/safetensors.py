import subprocess
from pathlib import Path

from .. import tests
from ..failure import Failure

PROMISE = "nothing is read as safetensors that the reference implementation refuses, and the rest as it reads it"
TARGETS = ("test_io",)
PACKAGE = "safetensors"
MAKER = Path(__file__).resolve().parents[2] / "golden_safetensors.py"


def check(context):
    files = context.scratch / "files.txt"
    # Another seed than that of the files in tests/golden.
    command = [context.python, MAKER, str(context.scaled(20_000)), "1", files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{MAKER.name}: {done.stderr.strip()[-500:]}")
    return tests.run(context, "io", "safetensors_reference", ATTUNE_JUDGED_FILES=str(files))
