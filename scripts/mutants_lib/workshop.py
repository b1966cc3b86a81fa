"""A scratch copy of the tree, its build and its tests, in which a fault costs one object, one link and few tests."""
import os
import queue
import re
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "build-mutants"
TREE, BUILD = HERE / "tree", HERE / "build"
LIBRARY = "libattune.so"
# The layers whose tests judge, without what takes long or reserves much memory, and checks no formula: instruction
# sets, stacks, huge arrays.
LAYERS = ["kernels", "autograd", "nn", "optim"]
SLOW_FILES = {"simd_test", "long_tape_test"}
SLOW_CASES = '~"*100 million*"~"*2^31*"~"*than BLAS can count*"'
# Catch2's handler of signals may wait for a lock that the crashed thread holds.
NO_HANDLERS = "-DCATCH_CONFIG_NO_POSIX_SIGNALS"
MEMORY = 12 << 30
# Threads that spin while they wait would take each other's cores.
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "2"}


def run(command, **options):
    """The finished command; an error of this script if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}")
    return done.stdout


@dataclass
class Test:
    layer: str
    file: str
    seconds: float = 0  # of CPU time, without a fault
    kills: int = 0

    def passes(self, library, limit):
        """False too for a crash, for more than `limit` seconds of CPU time, for absurd memory and for a deadlock."""
        program = BUILD / "tests" / f"test_{self.layer}"
        command = ["prlimit", f"--cpu={limit:.0f}", f"--as={MEMORY}", "--core=0",
                   program, "--abort", "-#", f"[#{self.file}]{SLOW_CASES}"]
        try:
            return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                                  timeout=120 + 20 * limit, cwd=HERE,
                                  env={**ENVIRONMENT, "LD_LIBRARY_PATH": str(library)}).returncode == 0
        except subprocess.TimeoutExpired:
            return False


class Workshop:
    def __init__(self, jobs):
        """Builds the library and its tests once without a fault, and sees the tests pass."""
        self.copy(TREE)
        # Little optimisation, which compiles in half the time, and one instruction set.
        flags = f"-O1 -w -march=native -DHWY_COMPILE_ONLY_STATIC {NO_HANDLERS} -ffile-prefix-map={TREE}=."
        # A copy's headers are other files than those that were precompiled.
        run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "--log-level=WARNING", "-DCMAKE_BUILD_TYPE=None",
             f"-DCMAKE_CXX_FLAGS={flags}", "-DATTUNE_EXAMPLES=OFF", "-DATTUNE_BENCH=OFF",
             "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON"])
        print("building once without a fault", flush=True)
        run(["cmake", "--build", BUILD, "-j", str(jobs), "--target", *(f"test_{layer}" for layer in LAYERS)])
        commands = run(["ninja", "-C", BUILD, "-t", "commands", LIBRARY]).splitlines()
        self.link = next(command for command in commands if " -shared " in command)
        made = [(re.search(r" -o (\S+\.o) -c ", command), command) for command in commands]
        self.compilations = {match[1]: command for match, command in made if match}  # by object
        self.objects = self.read_dependencies()
        self.tests = self.try_tests()
        self.trees = queue.Queue()
        for number in range(jobs):
            self.copy(HERE / f"tree-{number}")
            self.trees.put(HERE / f"tree-{number}")

    @staticmethod
    def copy(tree):
        """Copies what git knows; what is as it was keeps its time, so that it is not built again."""
        names = run(["git", "-C", ROOT, "ls-files", "-z"]).split("\0")[:-1]
        if tree.exists():
            known = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
            for name in known.difference(names):
                (tree / name).unlink()
        for name in names:
            if not (tree / name).exists() or (tree / name).read_bytes() != (ROOT / name).read_bytes():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)

    def read_dependencies(self):
        """{source or header: the objects that it is compiled into}"""
        objects, current = {}, None
        for line in run(["ninja", "-C", BUILD, "-t", "deps"]).splitlines():
            if line and not line.startswith(" "):
                current = line.split(":")[0]
            elif current in self.compilations and line.strip().startswith(str(TREE)):
                objects.setdefault(os.path.relpath(line.strip(), TREE), []).append(current)
        return objects

    def try_tests(self):
        tests = [Test(layer, path.stem) for layer in LAYERS
                 for path in sorted((TREE / "tests" / layer).glob("*_test.cpp")) if path.stem not in SLOW_FILES]
        for test in tests:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            if not test.passes(BUILD, 600):
                sys.exit(f"error: {test.layer}/{test.file} fails without any fault")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            test.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return tests

    def plant(self, fault):
        """What became of a fault: "no build", "same code", "survived" or "killed by TEST"."""
        tree = self.trees.get()
        library = Path(f"{tree}-library")
        library.mkdir(exist_ok=True)
        try:
            lines = (TREE / fault.file).read_text(encoding="utf-8").splitlines(keepends=True)
            lines[fault.line - 1] = lines[fault.line - 1].replace(fault.old, fault.new)
            (tree / fault.file).write_text("".join(lines), encoding="utf-8")
            return self.build(fault, tree, library) or self.judge(library)
        finally:
            shutil.copy(TREE / fault.file, tree / fault.file)
            self.trees.put(tree)

    def build(self, fault, tree, library):
        """None if the library with the fault is there and its code is another."""
        link, changed = self.link, False
        for number, name in enumerate(self.objects[fault.file]):
            made = library / f"{number}.o"
            command = self.compilations[name].replace(str(TREE), str(tree)).replace(f" -o {name} ", f" -o {made} ")
            if subprocess.run(command, shell=True, cwd=BUILD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode != 0:
                return "no build"
            changed = changed or made.read_bytes() != (BUILD / name).read_bytes()
            link = link.replace(f" {name} ", f" {made} ")
        if not changed:
            return "same code"
        soname = re.search(r"-soname,(\S+)", link)[1]
        run(["sh", "-c", re.sub(r" -o \S+ ", f" -o {library / soname} ", link)], cwd=BUILD)
        return None

    def judge(self, library):
        """Those tests first that have killed most for their time."""
        for test in sorted(self.tests, key=lambda each: each.seconds / (1 + each.kills)):
            if not test.passes(library, 5 + 10 * test.seconds):
                test.kills += 1
                return f"killed by {test.layer}/{test.file}"
        return "survived"
