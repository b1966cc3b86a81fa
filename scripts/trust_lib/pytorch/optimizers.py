"""Steps of PyTorch's optimizers with each set of options that PyTorch tests them with (its optim_db), as samples of
operations: a parameter, and its gradient in each step, give the parameter after all of them."""
import torch
from torch.testing._internal.common_optimizers import optim_db
from torch.testing._internal.opinfo.core import SampleInput

from signatures import Signature

STEPS = 7
ADAM = ("grads, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay={}, amsgrad=False, maximize=False",
        "{}(input, grads, lr, betas, eps, weight_decay, amsgrad, maximize)")
OPTIMIZERS = {
    "Adam": Signature(ADAM[0].format("0"), ADAM[1]),
    "AdamW": Signature(ADAM[0].format("1e-2"), ADAM[1]),
    "SGD": Signature("grads, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False",
                     "{}(input, grads, lr, momentum, dampening, weight_decay, nesterov, maximize)"),
}


class Optimizer:
    """An optimizer as sample.py wants an operation."""

    def __init__(self, info):
        self._info, self.name, self.op = info, info.optim_cls.__name__, self._steps

    def _steps(self, parameter, grads, **options):
        parameter = parameter.detach().clone().requires_grad_()
        optimizer = self._info.optim_cls([parameter], **options)
        for grad in grads:
            parameter.grad = grad.clone()
            optimizer.step()
        return parameter.detach()

    def samples(self):
        for entry in self._info.optim_inputs_func(device="cpu"):
            for shape in ((), (37,), (3, 70), (0, 4)):
                for scale in (1.0, 1e-6, 1e4):
                    grads = [scale * torch.randn(shape) for _ in range(STEPS)]
                    yield SampleInput(torch.randn(shape), args=(grads,), kwargs=dict(entry.kwargs))


def operations():
    """(label, operation, signature, its samples, drawn anew in each call)."""
    for info in optim_db:
        made = Optimizer(info)
        if made.name in OPTIMIZERS:
            yield f"optim.{made.name}", made, OPTIMIZERS[made.name], made.samples
