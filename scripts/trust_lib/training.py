"""Runs of train_gpt that are broken off, and what must remain of them."""
import json
import shutil
import subprocess

from . import checkpoint
from .failure import Failure

TEXT = "the cat sat on the mat and saw a rat.\n\n" * 60


class Training:
    """A small model with all that has a state: dropout, shuffled text, moments, a schedule."""

    def __init__(self, context, steps, save_every):
        self._program = context.build / "train_gpt"
        self._scratch = context.scratch
        self.steps = steps
        (self._scratch / "text").write_text(TEXT, encoding="utf-8")
        sizes = "--layers 1 --heads 2 --dim 8 --context 8 --batch 2 --dropout 0.2 --eval-every 0"
        self._options = f"{sizes} --threads 1 --steps {steps} --save-every {save_every}".split()
        out = self.folder("whole")
        done = self.run(out)
        if done.returncode != 0:
            raise Failure(f"train_gpt failed: {done.stderr.strip()}")
        self._whole = self.results(out)

    def folder(self, name):
        return self._scratch / name

    def start(self, out, **options):
        """A process that goes on with what is in the folder `out`."""
        command = [self._program, "--text", self._scratch / "text", "--out", out, "--resume", *self._options]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, text=True, **pipes, **options)

    def run(self, out, **options):
        """The same, when it has ended: returncode and stderr."""
        process = self.start(out, **options)
        _, error = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stderr=error)

    def results(self, out):
        """What must not depend on how often the run was broken off."""
        log = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        for line in log:
            line.pop("tokens_per_second", None)
        newest = checkpoint.steps(out / "checkpoints")[self.steps]
        return log, (out / "model.safetensors").read_bytes(), newest.read_bytes()

    def finish(self, out):
        """Lets the run in `out` end, and compares it with the unbroken one. A list of faults."""
        done = self.run(out)
        if done.returncode != 0:
            return [f"could not go on: {done.stderr.strip()}"]
        if "damaged" in done.stderr:
            return [f"a damaged checkpoint: {done.stderr.strip()}"]
        names = "the log differs", "the weights differ", "the newest checkpoint differs"
        pairs = zip(names, self.results(out), self._whole)
        return [f"{name} from the unbroken run's" for name, is_, must in pairs if is_ != must]

    def near_the_end(self, name):
        """The folder of a run that has its last save still before it, and the step of the one before."""
        out = self.folder(name)
        shutil.copytree(self.folder("whole"), out)
        steps = list(checkpoint.steps(out / "checkpoints"))
        (out / "checkpoints" / f"step-{steps[-1]:08}.safetensors").unlink()
        return out, steps[-2]


def break_off(training, wanted, interrupt):
    """Breaks runs off `wanted` times in all, and lets each of them end: how many they were, and a list of faults.

    interrupt(process, out) breaks one off and returns its faults; None if it had ended by itself.
    """
    faults, done, rounds = [], 0, 0
    while done < wanted and not faults:
        rounds += 1
        out = training.folder(f"round{rounds}")
        while done < wanted and newest(out) < training.steps:
            found = interrupt(training.start(out), out)
            if found is None:
                break
            done += 1
            faults += [f"number {done}: {fault}" for fault in found + damage(out)]
        faults += training.finish(out)
    return rounds, faults


def newest(out):
    """The last step that is saved in a run's folder; -1 if none is."""
    return max(checkpoint.steps(out / "checkpoints"), default=-1)


def damage(out):
    """A line for each checkpoint that is not whole."""
    found = (checkpoint.fault(path) for path in checkpoint.steps(out / "checkpoints").values())
    return [fault for fault in found if fault]
