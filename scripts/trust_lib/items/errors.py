from .. import tests

PROMISE = "bad input is refused by a typed error that names operation, module path and values, and changes nothing"
TARGETS = ("test_autograd", "test_nn")


def check(context):
    operations = tests.run(context, "autograd", "errors")
    modules = tests.run(context, "nn", "errors", "models_errors")
    return tests.joined(operations, modules)
