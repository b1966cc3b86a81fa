from .. import tests

PROMISE = "an operation on random shapes, dtypes and options computes or refuses, and never crashes or hangs"
TARGETS = ("test_autograd",)


def check(context):
    return tests.run(context, "autograd", "random_calls", ATTUNE_RANDOM_CALLS=str(context.scaled(1000)))
