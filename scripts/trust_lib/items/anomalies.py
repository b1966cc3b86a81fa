from .. import tests

PROMISE = "a NaN is found where it was born, by the name of the operation"
TARGETS = ("test_autograd",)


def check(context):
    return tests.run(context, "autograd", "planted_nan", "anomaly")
