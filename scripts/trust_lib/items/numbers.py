from .. import tests

PROMISE = "numbers at the edge: huge logits, long sums, denormals, more than 2^31 elements"
TARGETS = ("test_autograd",)


def check(context):
    return tests.run(context, "autograd", "numbers", "fused")
