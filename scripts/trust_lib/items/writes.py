from .. import tests

PROMISE = "a value overwritten in place before backward needs it gives an error or the right gradient"
TARGETS = ("test_autograd", "test_nn")


def check(context):
    return tests.joined(tests.run(context, "autograd", "writes"), tests.run(context, "nn", "writes"))
