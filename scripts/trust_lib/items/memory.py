from .. import tests

PROMISE = "10,000 steps of training gain no byte"
TARGETS = ("test_train",)


def check(context):
    return tests.run(context, "train", "endurance")
