import subprocess
from pathlib import Path

from ..item import Outcome

PROMISE = "no file can crash, hang or bloat a reader"
TARGETS = ()
SCRIPTS = Path(__file__).resolve().parents[2]


def check(context):
    seconds = context.scaled(20)
    program = [SCRIPTS / "fuzz", "--seconds", str(seconds)]
    done = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = done.stdout.splitlines()
    tried = sum(int(line.split()[-1]) for line in lines if line.startswith("stat::number_of_executed_units"))
    faults = [line for line in lines if line.startswith(("error:", "SUMMARY:"))]
    return Outcome(f"{tried:,} files made up in {seconds} s for each reader", faults or ["failed"] if done.returncode else [])
