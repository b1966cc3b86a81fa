from .. import tests

PROMISE = "two threads train two models at once, and one model serves four; no result depends on threads"
TARGETS = ("test_train",)


def check(context):
    return tests.run(context, "train", "determinism")
