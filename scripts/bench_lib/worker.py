"""A process that serves one line (bench/serve.h, bench/peer/lines.py)."""
import json
import os
import subprocess
import tempfile
from statistics import median

from .failure import Failure

BLAS_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Worker:
    """Set up and warm once constructed; times itself when told to. Ends with its `with` block."""

    def __init__(self, command, settings):
        environment = dict(os.environ)
        if not settings.keep_blas_env:
            for name in BLAS_VARIABLES:
                environment.pop(name, None)
        self.rounds = []
        self.processor_time = settings.processor_time
        self.errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [*command, "--threads", str(settings.threads), "--serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment,
        )
        self.facts = self.reply()

    def run(self, seconds):
        """Times one round of at least that long."""
        try:
            self.process.stdin.write(f"run {seconds}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the reply says why
        times = self.reply()
        if self.processor_time:
            times["min_ms"] = times["median_ms"] = times["cpu_ms"]
        self.rounds.append(times)

    def reply(self):
        line = self.process.stdout.readline()
        try:
            return json.loads(line)
        except ValueError:
            self.process.kill()
            status = self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().split("\n")
            reason = next((text for text in reversed(said) if text.strip()), f"exit status {status}")
            raise Failure(reason.strip()) from None

    min_ms = property(lambda self: min(round["min_ms"] for round in self.rounds))
    median_ms = property(lambda self: median(round["median_ms"] for round in self.rounds))
    cpu_ms = property(lambda self: min(round["cpu_ms"] for round in self.rounds))
    peak_mb = property(lambda self: self.rounds[-1]["peak_mb"])
    repeats = property(lambda self: sum(round["repeats"] for round in self.rounds))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            pipe.close()
