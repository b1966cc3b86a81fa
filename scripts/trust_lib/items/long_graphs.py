from .. import tests

PROMISE = "a million operations are built, differentiated and freed on a stack of 256 KB; a graph that dies half-way too"
TARGETS = ("test_autograd",)


def check(context):
    return tests.run(context, "autograd", "long_tape", stack_kb=256)
