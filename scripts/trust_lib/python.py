"""The Python that --python names, for items that compare with one of its packages."""
import subprocess

from .failure import Failure


def package_of(item):
    """The package that an item needs; None if it needs none."""
    return getattr(item, "PACKAGE", None)


def check_packages(python, items):
    """Fails unless the Python, if one is named, has all that the items need."""
    packages = sorted({package_of(item) for item in items} - {None})
    if not python or not packages:
        return
    try:
        command = [python, "-c", f"import {', '.join(packages)}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failure(f"--python {python}: {error.strerror}") from None
    if done.returncode != 0:
        raise Failure(f"--python {python}: {done.stderr.strip().splitlines()[-1]}")
