"""Lines that time the compiler: a program that uses the library, and the library itself."""
import os
import subprocess
import tempfile
import time

from .build import last_error
from .failure import Failure
from .line import empty_row


def timed(command, **options):
    """(milliseconds, peak MB of the largest process)"""
    start = time.monotonic()
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode != 0:
            raise Failure(f"{command[0]}: {last_error(output.read())}")
    return 1e3 * (time.monotonic() - start), usage.ru_maxrss * 1.024e-3


def compile_program(name, root, peer):
    """The same small training programs at -O2, against our headers and against torch's."""
    row = empty_row(name)
    ours = ["c++", "-std=c++20", "-O2", f"-I{root}", "-c", str(root / "bench/overhead.cpp")]
    row["ours_ms"], row["ours_peak_mb"] = timed([*ours, "-o", os.devnull])
    if peer:
        try:
            row["peer_ms"], row["peer_peak_mb"] = timed(peer.compile_command(["-c", "-o", os.devnull]))
            row.update(peer="libtorch C++", speedup=row["peer_ms"] / row["ours_ms"])
        except Failure as failure:
            row["note"] = f"{name}: peer: {failure}"
    return row


def build_library(name, root, _):
    """The library alone, from nothing and without a compiler cache."""
    row = empty_row(name)
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        timed(["cmake", "-S", str(root), "-B", folder, "-G", "Ninja"])
        build = ["cmake", "--build", folder, "-j", str(os.cpu_count()), "--target", "attune"]
        row["ours_ms"], row["ours_peak_mb"] = timed(build, env=environment)
    return row


COMPILATIONS = {"compile_program": compile_program, "build_library": build_library}
