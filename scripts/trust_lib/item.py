"""What an item of scripts/trust is: a module in items/, found by its place, that has

PROMISE   one line of text
TARGETS   the programs that it needs, as the build calls them
check     a function that takes a Context and returns an Outcome
PACKAGE   only of an item that needs Python: a package of it, which `context.python` then has
"""
import importlib
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path

from . import items


@dataclass
class Context:
    build: Path  # the build folder
    scratch: Path  # an empty folder that is removed afterwards
    budget: int
    python: str | None  # what --python names

    def scaled(self, count):
        """How often to try what is tried `count` times within a budget of 1."""
        return count * self.budget


@dataclass
class Outcome:
    figure: str  # what was tried and found, in a line
    faults: list = field(default_factory=list)  # each a line
    tried: bool = True  # False: the figure says why nothing was

    @property
    def verdict(self):
        if self.faults:
            return "FAIL"
        return "pass" if self.tried else "not tried"


def load_items():
    """{name: module}, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(items.__path__))
    return {name.replace("_", "-"): importlib.import_module(f"{items.__name__}.{name}") for name in names}
