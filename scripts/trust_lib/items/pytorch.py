import json
import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..disagreements import DISAGREEMENTS, ITSELF, is_rounding
from ..failure import Failure
from ..item import Outcome

PROMISE = "operations, modules, optimizers and schedules give PyTorch's results and gradients on its own samples"
TARGETS = ("pytorch_compare",)
PACKAGE = "torch"
SAMPLE = Path(__file__).resolve().parents[1] / "pytorch" / "sample.py"
DRAWS = 3
LEAST_SHARE = 0.995  # of the results in each precision that must agree


def check(context):
    findings = Findings()
    for draw in range(context.scaled(DRAWS)):
        folder = context.scratch / str(draw)
        folder.mkdir()
        for line in sampled(context.python, folder, draw):
            findings.add_samples(line)
        for line in compared(context.build / "tests" / "pytorch_compare", folder):
            findings.add(line)
        for path in folder.iterdir():
            path.unlink()
    return Outcome(findings.figure(), findings.faults())


def sampled(python, folder, seed):
    """What sample.py says of its files, which it writes into the folder."""
    count = os.cpu_count() or 1
    return run_all([[python, SAMPLE, folder, str(seed), str(part), str(count)] for part in range(count)])


def compared(program, folder):
    """The lines of the program, over all files."""
    count = os.cpu_count() or 1
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_size)
    return run_all([[program, *files[part::count]] for part in range(count) if files[part::count]])


def run_all(commands):
    """Runs them at the same time; their lines of JSON."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return [json.loads(line) for lines in pool.map(lines_of, commands) for line in lines]


def lines_of(command):
    try:
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=one_thread)
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise Failure(f"{command[0]}: {said[-1]}")
    return done.stdout.splitlines()


class Findings:
    def __init__(self):
        self._operations, self._samples, self._not_offered = set(), 0, 0
        self._lacking = set()  # samples whose arguments no function takes
        self._results, self._again, self._explained, self._rounded = Counter(), Counter(), Counter(), Counter()
        self._seen = set()  # entries of the list
        self._faults = {}  # {where: a line}

    def add_samples(self, line):
        self._operations.add(line["operation"])
        self._samples += line["samples"]
        self._not_offered += line["not_offered"]

    def add(self, line):
        if "results" in line:
            self._results.update(line["results"])
        elif line["status"] == "not offered":
            self._lacking.add((line["operation"], line["description"]))
        elif entry := next((entry for entry in DISAGREEMENTS if entry.covers(line)), None):
            self._seen.add(entry)
            (self._again if entry.status == ITSELF else self._explained)[line["precision"]] += 1
        elif is_rounding(line):
            self._rounded[line["precision"]] += 1
        else:
            where = f"{line['operation']} {line['description']}: {line['precision']} {line.get('part', '')}"
            said = f"{where} {line['status']} {line.get('text', '')} ({line['layout']}, {line['target']})"
            self._faults.setdefault(where, said)

    def _share(self, precision):
        return 1 - (self._explained[precision] + self._rounded[precision]) / self._results[precision]

    def figure(self):
        shares = [f"{precision} {100 * self._share(precision):.3f} % of {results:,}"
                  for precision, results in sorted(self._results.items())]
        return (f"{self._samples:,} samples of {len(self._operations)} of PyTorch's operations, modules, optimizers and "
                f"schedulers, in 4 layouts on each instruction set; results and gradients that agree: {', '.join(shares)}, "
                f"{self._again.total():,} of them with one of two answers that PyTorch gives; "
                f"{self._rounded.total():,} in float32 are as far off as PyTorch's own, or as inputs that are rounded; "
                f"{self._explained.total():,} differ for the reasons in disagreements.py; "
                f"{self._not_offered + len(self._lacking):,} samples want options that attune lacks")

    def faults(self):
        stale = [f"no longer occurs: {entry}" for entry in DISAGREEMENTS if entry not in self._seen and not entry.rare]
        few = [f"{precision}: fewer than {100 * LEAST_SHARE} % agree" for precision in self._results
               if self._share(precision) < LEAST_SHARE]
        return [*self._faults.values(), *stale, *few]
