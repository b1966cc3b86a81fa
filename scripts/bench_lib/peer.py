"""PyTorch, found in the Python that the user named, and libtorch in the same package."""
import json
import subprocess
import sys
from pathlib import Path

from .build import last_error
from .failure import Failure
from .worker import Worker

PROBE = """
import json, sys, torch
from torch.utils import cpp_extension
print(json.dumps({"version": torch.__version__, "includes": cpp_extension.include_paths(),
                  "libraries": cpp_extension.library_paths()}))
"""


class Peer:
    def __init__(self, python, root, build):
        self.python, self.root, self.build = python, root, build
        self.script = root / "bench/peer/lines.py"
        found = json.loads(self.ask("-c", PROBE))
        self.version, self.includes, self.libraries = found["version"], found["includes"], found["libraries"]
        # {line: the options that make a difference to it}
        self.lines = {name: options for name, *options in map(str.split, self.ask(self.script, "--list").splitlines())}
        self.program = None

    def ask(self, *arguments):
        try:
            done = subprocess.run([self.python, *arguments], capture_output=True, text=True, check=False)
        except OSError as error:
            raise Failure(f"--python {self.python}: {error.strerror}") from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise Failure(f"--python {self.python}: {said[-1]}")
        return done.stdout

    def compile_command(self, target):
        includes = [f"-isystem{path}" for path in self.includes]
        return ["c++", "-std=c++20", "-O2", *includes, str(self.root / "bench/peer/libtorch.cpp"), *target]

    def libtorch(self):
        """The libtorch program; built at first use, which takes half a minute."""
        if self.program is None:
            source = self.root / "bench/peer/libtorch.cpp"
            newest = max(source.stat().st_mtime, (self.root / "bench/serve.h").stat().st_mtime)
            program = Path(self.build).resolve() / f"bench_libtorch_{self.version}"
            if not program.exists() or program.stat().st_mtime < newest:
                link = [f"{flag}{path}" for path in self.libraries for flag in ("-L", "-Wl,-rpath,")]
                command = self.compile_command(["-o", str(program), *link, "-ltorch", "-ltorch_cpu", "-lc10"])
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
                if done.returncode != 0:
                    raise Failure(f"libtorch: {last_error(done.stdout)}")
            self.program = program
        return self.program

    def variants(self, name, compiled):
        """[(what it is, command)] of the ways to run a line; none for a line that PyTorch lacks."""
        if name in ("chained_adds", "mlp_adam_step"):
            return [("libtorch C++", [self.libtorch(), name])]
        flags = [[]] if name in self.lines else []
        for option in self.lines.get(name, []):
            if option != "--compile" or compiled:
                flags += [[*flag, option] for flag in flags]
        return [(describe(flag), [self.python, self.script, name, *flag]) for flag in flags]

    def fastest(self, name, settings):
        """(what it is, its Worker) after a short trial of all variants; None if there are none. One that fails is passed
        over while another works."""
        best = failure = None
        for what, command in self.variants(name, settings.compiled):
            try:
                worker = Worker(command, settings)
                worker.run(0.2)
            except Failure as error:
                failure = Failure(f"{what}: {error}")
                print(f"{name}: {failure}", file=sys.stderr)
                continue
            if best is None or worker.min_ms < best[1].min_ms:
                best, slower = (what, worker), best
            else:
                slower = what, worker
            if slower:
                slower[1].close()
        if failure and not best:
            raise failure
        return best


def describe(flags):
    mode = "compiled" if "--compile" in flags else "eager"
    return f"PyTorch {mode}, fused" if "--fused" in flags else f"PyTorch {mode}"
