"""Building the programs that the items run."""
import subprocess
import sys

from .failure import Failure

# In the words of the other scripts.
SCRIPT = """
set -euo pipefail
source "$1/scripts/lib.sh"
install_packages "${build_packages[@]}" "${test_packages[@]}"
build=$2
shift 2
configure "$build"
[ $# = 0 ] || cmake --build "$build" -j "$(nproc)" --target "$@"
"""


def build(root, folder, targets):
    print(f"building in {folder}", file=sys.stderr)
    command = ["bash", "-c", SCRIPT, "trust", root, folder, *targets]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"building in {folder} failed:\n{done.stdout[-2000:]}")
