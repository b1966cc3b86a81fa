import os
import re
import subprocess

from ..item import Outcome

PROMISE = "training that stops after any step goes on bit for bit, on another number of threads too"
TARGETS = ("test_train",)


def check(context):
    stops = context.scaled(100)
    environment = {**os.environ, "ATTUNE_STOPS": str(stops), "OMP_WAIT_POLICY": "PASSIVE"}
    command = [context.build / "tests/test_train", "-#", "[#resume_test]"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    passed = done.returncode == 0 and re.search(r"All tests passed \((\d+) assertions", done.stdout)
    if not passed or int(passed[1]) < stops:
        return Outcome(f"{stops} stops", [done.stdout.strip()[-500:] or f"exit status {done.returncode}"])
    return Outcome(f"{stops} random stops: weights, moments, losses, log and random state equal in every bit")
