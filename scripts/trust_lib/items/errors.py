from .. import tests

PROMISE = "bad input is refused by a typed error that names operation, module path and values, and changes nothing"
TABLES = {
    "autograd": ("errors",),
    "nn": ("errors", "models_errors"),
    "optim": ("errors",),
    "train": ("errors",),
    "io": ("errors",),
    "hub": ("errors",),
}
TARGETS = tuple(f"test_{layer}" for layer in TABLES)


def check(context):
    return tests.joined(*(tests.run(context, layer, *files) for layer, files in TABLES.items()))
