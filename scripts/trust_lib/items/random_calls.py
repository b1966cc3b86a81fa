from .. import tests

PROMISE = "an operation, module or model on random shapes, dtypes and options computes or refuses, and never crashes or hangs"
TARGETS = ("test_autograd", "test_nn")


def check(context):
    calls = {"ATTUNE_RANDOM_CALLS": str(context.scaled(1000))}
    operations = tests.run(context, "autograd", "random_calls", **calls)
    modules = tests.run(context, "nn", "random_calls", "random_models", **calls)
    return tests.joined(operations, modules)
