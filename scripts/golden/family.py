"""Cases of operations as PyTorch computes them, for make_golden.py."""

import torch

generator = torch.Generator()


def reseed():
    generator.manual_seed(20)


def normal(*shape, scale=1.0, shift=0.0):
    x = torch.randn(shape, generator=generator, dtype=torch.float32) * scale + shift
    return x.double()


def uniform(low, high, *shape):
    return (torch.rand(shape, generator=generator, dtype=torch.float32) * (high - low) + low).double()


def positive(*shape):
    return uniform(0.25, 3.0, *shape)


def away(*shape, gap=0.05):
    """Normal values at least gap from 0, so that finite differences never cross a kink there."""
    x = normal(*shape)
    return (x + torch.where(x < 0, -gap, gap)).float().double()


def distinct(*shape, step=0.125):
    """A shuffled range: no ties, every two values at least step apart."""
    n = 1
    for size in shape:
        n *= size
    return ((torch.randperm(n, generator=generator).double() - n / 2 + 0.25) * step).reshape(shape)


def integers(low, high, *shape):
    return torch.randint(low, high, shape, generator=generator)


def booleans(*shape):
    return torch.rand(shape, generator=generator) < 0.5


class Family:
    def __init__(self):
        self.tensors = {}
        self.calls = {}
        self.count = {}

    def case(self, op, call, inputs, function, gradient=True, fixed=()):
        """fixed: the inputs, by number, that PyTorch cannot differentiate by."""
        number = self.count.get(op, 0)
        self.count[op] = number + 1
        prefix = f"{op}/{number}"
        self.calls[prefix] = call
        leaves = [x.clone() for x in inputs]
        for i, x in enumerate(leaves):
            if x.is_floating_point() and gradient and i not in fixed:
                x.requires_grad_()
        out = function(*leaves)
        for i, x in enumerate(inputs):
            self.tensors[f"{prefix}/in{i}"] = x.contiguous()
        self.tensors[f"{prefix}/out"] = out.detach().contiguous().clone()
        if not out.requires_grad:
            return
        cotangent = normal(*out.shape)
        self.tensors[f"{prefix}/cot"] = cotangent
        floating = [x for x in leaves if x.requires_grad]
        gradients = iter(torch.autograd.grad(out, floating, cotangent, allow_unused=True))
        for i, x in enumerate(leaves):
            if x.requires_grad:
                g = next(gradients)
                self.tensors[f"{prefix}/grad{i}"] = (torch.zeros_like(x) if g is None else g).contiguous()

    def pointwise(self, op, function, draw=normal):
        for shape in [(3, 4), (2, 1, 5), (), (0, 3), (37,)]:
            self.case(op, f"{op}(x), x {list(shape)}", [draw(*shape)], function)
