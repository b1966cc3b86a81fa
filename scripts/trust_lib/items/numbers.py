from .. import tests

PROMISE = "numbers at the edge: huge logits, masks of -inf, long sums, denormals, nothing, more than 2^31 elements"
TARGETS = ("test_autograd",)


def check(context):
    return tests.run(context, "autograd", "numbers", "fused", ATTUNE_LARGE_ARRAYS="1")
