"""Measuring one line: ours and the peer's in turns."""
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

from .failure import Failure
from .worker import Worker

BF16 = "_bf16"  # ends the name of a line whose matrix products are in bfloat16
THREADS = "_threads"  # ends the name of a line that compares ours with itself on one thread


@dataclass
class Settings:
    threads: int
    quick: bool
    compiled: bool
    keep_blas_env: bool
    processor_time: bool

    rounds = property(lambda self: 2 if self.quick else 8)
    seconds = property(lambda self: 0.2 if self.quick else 1.0)
    budget = property(lambda self: 20 if self.quick else 120)  # seconds of a line, after at least two rounds


@dataclass
class Limits:
    gflops: float
    gbytes: float
    bf16_gflops: float

    def ms(self, name, facts):
        """The shortest time of a line's step, or None where neither bounds it."""
        gflops = self.bf16_gflops if name.endswith(BF16) else self.gflops
        return facts["flops"] / gflops / 1e6 + facts["bytes"] / self.gbytes / 1e6 or None


def measure_limits(program, settings):
    def best(name):
        with Worker([program, name], settings) as worker:
            for _ in range(settings.rounds):
                worker.run(settings.seconds / 2)
            return (worker.facts["flops"] + worker.facts["bytes"]) / worker.min_ms / 1e6

    return Limits(best("sgemm"), max(best("triad"), best("copy")), best("gemm_bf16"))


def take_turns(workers, settings):
    end = time.monotonic() + settings.budget
    for done in range(settings.rounds):
        for worker in workers:
            worker.run(settings.seconds)
        if done > 0 and time.monotonic() > end:
            return


def measure_line(name, program, peer, limits, settings):
    """The row of one line. A peer that fails leaves its fields empty, and the reason in "note"."""
    try:
        return compare(name, program, peer, limits, settings)
    except Failure as failure:
        if peer is None:
            raise Failure(f"{name}: {failure}") from None
        return {**measure_line(name, program, None, limits, settings), "note": f"{name}: peer: {failure}"}


def compare(name, program, peer, limits, settings):
    row = empty_row(name)
    with ExitStack() as stack:
        command = [program, name.removesuffix(THREADS)]
        rival = None
        if name.endswith(THREADS):
            rival = "attune, 1 thread", Worker(command, replace(settings, threads=1))
        elif peer:
            rival = peer.fastest(name, settings)
        theirs = rival and stack.enter_context(rival[1])
        ours = stack.enter_context(Worker(command, settings))
        take_turns([ours, theirs] if theirs else [ours], settings)
        row.update(ours_ms=ours.min_ms, ours_median_ms=ours.median_ms, ours_peak_mb=ours.peak_mb)
        row.update(limit_ms=limits.ms(name, ours.facts), ours_cpu_ms=ours.cpu_ms, repeats=ours.repeats)
        if theirs:
            row.update(peer=rival[0], peer_ms=theirs.min_ms, peer_median_ms=theirs.median_ms)
            row.update(peer_cpu_ms=theirs.cpu_ms, peer_peak_mb=theirs.peak_mb, speedup=theirs.min_ms / ours.min_ms)
    return row


def empty_row(name):
    fields = ("ours_ms", "peer", "peer_ms", "speedup", "limit_ms", "ours_peak_mb", "peer_peak_mb")
    return {"name": name, **dict.fromkeys(fields)}
