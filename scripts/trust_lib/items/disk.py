"""A disk that is full, read-only or broken, in three ways: a small file system of its own where that may be mounted, a
limit on the size of files, and a library that lets one call after the other fail."""
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from ..failure import Failure
from ..item import Outcome
from ..training import Training, damage, newest

PROMISE = "a full, read-only or broken disk leaves the last checkpoint; the run says why it stops and exits non-zero"
TARGETS = ("train_gpt",)

FAILING_CALLS = Path(__file__).resolve().parent.parent / "failing_calls.c"


def check(context):
    training = Training(context, steps=8, save_every=3)
    faults, figures = [], []
    for attempt in (limited_file_size, failing_calls, small_file_system):
        figure, found = attempt(context, training)
        figures.append(figure)
        faults += found
    return Outcome("; ".join(figures), faults)


def refused(training, out, saved, reason, **options):
    """Runs on in `out`, where that must fail for this reason and harm no checkpoint. A list of faults."""
    done = training.run(out, **options)
    faults = [f"{reason}: {fault}" for fault in damage(out)]
    if done.returncode == 0:
        return faults + [f"{reason}: exit status 0"]
    said = [line for line in done.stderr.splitlines() if line.startswith("train_gpt: ")]
    if len(said) != 1 or reason not in said[0]:
        faults.append(f"{reason}: exit status {done.returncode}, but said {done.stderr.strip()!r}")
    if newest(out) < saved:
        faults.append(f"{reason}: step {saved} is gone")
    return faults


def limited_file_size(_, training):
    out, saved = training.near_the_end("limited")
    limits = {
        "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        "restore_signals": False,  # Python ignores SIGXFSZ; so the call fails, as on a full disk
    }
    faults = refused(training, out, saved, "File too large", **limits)
    return "files limited to 4 KiB: refused", faults + training.finish(out)


def failing_calls(context, training):
    library = context.scratch / "failing_calls.so"
    subprocess.run(["g++", "-x", "c", "-shared", "-fPIC", "-O1", FAILING_CALLS, "-o", library, "-ldl"], check=True)
    faults, failed = [], 0
    while not faults:
        out, saved = training.near_the_end(f"call{failed}")
        marker = context.scratch / "failed"
        marker.unlink(missing_ok=True)
        environment = {"LD_PRELOAD": str(library), "FAIL_CALL": str(failed), "FAIL_MARKER": str(marker)}
        process = training.start(out, env={**os.environ, **environment})
        _, error = process.communicate()
        if not marker.exists():
            break  # there are not that many calls
        failed += 1
        faults += damage(out)
        if process.returncode == 0 or "Input/output error" not in error:
            faults.append(f"call {failed} failed, exit status {process.returncode}: {error.strip()!r}")
        if newest(out) < saved:
            faults.append(f"call {failed} failed, and step {saved} is gone")
        faults += training.finish(out)
        shutil.rmtree(out)
    return f"each of {failed} system calls that write failed once: refused, and gone on from afterwards", faults


@contextmanager
def mounted(folder, size):
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "attune-trust", folder]
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise Failure("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def small_file_system(context, training):
    disk = context.scratch / "disk"
    faults = []
    try:
        with mounted(disk, "16m"):
            near, saved = training.near_the_end("near")
            out = disk / "run"
            shutil.copytree(near, out)
            filler = disk / "filler"
            with filler.open("wb") as file:
                free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                file.write(bytes(max(free - 8192, 0)))
            faults += refused(training, out, saved, "No space left on device")
            filler.unlink()
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            faults += refused(training, out, saved, "Read-only file system")
            subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
            faults += training.finish(out)
    except Failure as skipped:
        return f"full and read-only file systems SKIPPED: {skipped}", faults
    return "a full and a read-only file system: refused, and gone on from afterwards", faults
