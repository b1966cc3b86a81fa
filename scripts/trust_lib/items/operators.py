from .. import tests

PROMISE = "every operation equals PyTorch's, in both precisions, all layouts and on every instruction set"
TARGETS = ("test_autograd",)


def check(context):
    return tests.run(context, "autograd", "op_table", "simd")
