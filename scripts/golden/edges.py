"""Cases where functions have kinks, ties, NaN and infinities, for make_golden.py."""

import math

import torch
import torch.nn.functional as F

from .family import Family

inf, nan = math.inf, math.nan


def values(*x):
    return torch.tensor(x, dtype=torch.float64)


ROWS = values([1, nan, 3], [inf, -inf, 2], [5, 5, 1], [0, 0, 0], [-inf, -inf, -inf], [nan, nan, 1], [0, 2, 3])
TIES = values([2, 1, 2, 2], [0, 0, 0, 0], [3, 4, 4, 3], [0, 1, 1, 2])
POINTS = values(nan, inf, -inf, 0, 1, -1, 2, 0.5)
PAIRS = [x.reshape(-1).clone() for x in torch.meshgrid(
    values(nan, inf, -inf, 0, 1, -1, 2, 2.5), values(nan, inf, -inf, 0, 1, -1, 2, 0.5), indexing="ij")]


def pointwise(f):
    for op in ["abs", "sign", "sqrt", "rsqrt", "log", "log1p", "reciprocal", "exp", "expm1", "tanh", "sigmoid",
               "sin", "square", "erf"]:
        f.case(op, f"{op}(x)", [POINTS], getattr(torch, op))
    f.case("sign", "sign(x), bool", [torch.tensor([True, False])], torch.sign)
    for op in ["log2", "log10", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite"]:
        f.case(op, f"{op}(x)", [POINTS], getattr(torch, op), not op.startswith("is"))
    f.case("round", "round(x), halves", [values(nan, inf, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.25)], torch.round)
    f.case("nan_to_num", "nan_to_num(x, 1, 2, -2)", [POINTS], lambda x: torch.nan_to_num(x, 1, 2, -2))
    for op in ["relu", "leaky_relu", "silu", "logsigmoid", "mish", "hardtanh", "relu6"]:
        f.case(op, f"{op}(x)", [POINTS], getattr(F, op))
    f.case("hardtanh", "hardtanh(x, -1.5, 2.5), integers", [torch.arange(-3, 4)], lambda x: F.hardtanh(x, -1.5, 2.5))
    f.case("mish", "mish(x), large", [values(2.0**127, -(2.0**127), 100, -100)], F.mish)
    # torch's gradient at NaN depends on where the element stands.
    f.case("elu", "elu(x)", [POINTS[1:]], F.elu)
    f.case("leaky_relu", "leaky_relu(x, -0.5)", [POINTS], lambda x: F.leaky_relu(x, -0.5))
    tails = values(nan, inf, 0, 9, -3, -4, -5, -6, -9, -13)
    for kind in ["none", "tanh"]:
        f.case("gelu", f"gelu(x, {kind}), tails", [tails], lambda x, k=kind: F.gelu(x, approximate=k))
    f.case("softplus", "softplus(x)", [values(nan, inf, -inf, 0, 19.5, 20, 20.5, -20, -60)], F.softplus)
    f.case("softplus", "softplus(x, 2, 3)", [values(1.4375, 1.5, 1.5625)], lambda x: F.softplus(x, 2, 3))
    for low, high in [(-1, 1), (0, None), (None, 1), (2, 1)]:
        f.case("clamp", f"clamp(x, {low}, {high})", [POINTS], lambda x, a=low, b=high: x.clamp(a, b))


def pairs(f):
    for op in ["add", "sub", "mul", "div", "minimum", "maximum", "pow"]:
        f.case(op, f"{op}(a, b)", PAIRS, getattr(torch, op))
    for exponent in [0, 0.5, 1, 2, -1]:
        f.case("pow", f"pow(x, {exponent})", [POINTS], lambda x, e=exponent: x**e)
    for base in [0, 2, -1]:
        f.case("pow", f"pow({base}, x)", [POINTS], lambda x, b=base: torch.pow(b, x))
    for op in ["eq", "ne", "lt", "le", "gt", "ge", "logical_and"]:
        f.case(op, f"{op}(a, b)", PAIRS, getattr(torch, op), False)
    for weight in [0, 1, 0.3, 0.7, -1, 2]:
        f.case("lerp", f"lerp(a, b, {weight})", PAIRS, lambda a, b, w=weight: torch.lerp(a, b, w))
    mask = torch.tensor([[True, False], [False, True]])
    f.case("masked_fill", "x [2], mask [2, 2]", [values(nan, 1), mask], lambda x, m: x.masked_fill(m, inf))
    f.case("where", "NaN on the other side", [mask, values(nan, 1), values([inf, nan], [2, 3])], torch.where)


def reductions(f):
    for op in ["sum", "mean", "prod", "amax", "amin", "var", "std"]:
        f.case(op, f"{op}(x, {{1}})", [TIES], lambda x, op=op: getattr(torch, op)(x, 1))
        if op != "prod":  # torch gives 0, the others' product NaN
            f.case(op, f"{op}(x)", [values(2, inf, 3)], getattr(torch, op))
    for op in ["amax", "amin"]:
        f.case(op, f"{op}(x, {{1}}), NaN", [ROWS], lambda x, op=op: getattr(torch, op)(x, 1))
    for op in ["max", "min", "argmax", "argmin"]:
        f.case(op, f"{op}(x)", [TIES], getattr(torch, op))
        f.case(op, f"{op}(x), NaN", [ROWS], getattr(torch, op))
    for op in ["max", "min"]:
        for x in [TIES, ROWS]:
            f.case(op, f"{op}(x, 1).values", [x], lambda x, op=op: getattr(torch, op)(x, 1).values)
            f.case(op, f"{op}(x, 1).indices", [x], lambda x, op=op: getattr(torch, op)(x, 1).indices)
    for op in ["any", "all"]:
        f.case(op, f"{op}(x, {{1}}), NaN", [ROWS], lambda x, op=op: getattr(torch, op)(x, 1))
    for op in ["var", "std"]:
        for correction in [0, 1]:
            f.case(op, f"{op} of one element, correction {correction}", [values([3], [4])],
                   lambda x, op=op, c=correction: getattr(torch, op)(x, 1, correction=c))
        for correction in [2, 3]:
            f.case(op, f"{op} of two elements, correction {correction}", [values([1, 2], [4, 4], [7, 3])],
                   lambda x, op=op, c=correction: getattr(torch, op)(x, 1, correction=c))
    f.case("logsumexp", "logsumexp(x, {1})", [ROWS[:4]], lambda x: x.logsumexp(1))
    f.case("logsumexp", "of ±10,000", [values([1e4, 1e4], [-1e4, -1e4])], lambda x: x.logsumexp(1))
    f.case("logsumexp", "of infinities alone", [values([-inf, -inf], [inf, inf], [-inf, inf])], lambda x: x.logsumexp(1))
    f.case("logsumexp", "of integers", [torch.tensor([0, 0])], lambda x: x.logsumexp(0))
    for p in [0, 1, 2, 3, -1, inf, -inf]:
        f.case("norm", f"norm(x, {p}, {{1}}), zeros and ties", [TIES],
               lambda x, p=p: torch.linalg.vector_norm(x, p, 1))
    f.case("norm", "norm(x, inf, {1}), NaN", [ROWS], lambda x: torch.linalg.vector_norm(x, inf, 1))
    f.case("cumsum", "cumsum(x, 1), NaN", [ROWS], lambda x: x.cumsum(1))
    for descending in [False, True]:
        for x in [TIES, ROWS]:
            f.case("sort", f"descending {descending}, values", [x],
                   lambda x, d=descending: torch.sort(x, dim=1, descending=d, stable=True).values)
            f.case("sort", f"descending {descending}, indices", [x],
                   lambda x, d=descending: torch.sort(x, dim=1, descending=d, stable=True).indices)


def rows_and_losses(f):
    rows = torch.cat([ROWS[:4], values([1e4, -1e4, 0], [-inf, -inf, 3])])
    for op in ["softmax", "log_softmax"]:
        f.case(op, f"{op}(x, 1)", [rows], lambda x, op=op: getattr(torch, op)(x, 1))
    f.case("layer_norm", "mean 100,000, nothing but zeros, NaN",
           [values([100000, 100001, 99999], [0, 0, 0], [nan, 1, 2])], lambda x: F.layer_norm(x, (3,)))
    f.case("rms_norm", "zeros, NaN; eps 1e-5", [values([0, 0], [nan, 1])], lambda x: F.rms_norm(x, (2,), None, 1e-5))
    targets = torch.tensor([0, 2])
    huge = values([1e4, 0, -1e4], [-inf, 0, 1])
    for op in ["cross_entropy", "nll_loss"]:
        f.case(op, "huge inputs", [huge, targets], lambda x, t, op=op: getattr(F, op)(x, t, reduction="none"))
        f.case(op, "negative weights", [values([1, 2, 3], [3, 2, 1]), targets, values(-1, 0.5, -0.25)],
               lambda x, t, w, op=op: getattr(F, op)(x, t, weight=w), fixed=(2,))
    f.case("normalize", "a vector of zeros", [values([0, 0], [3, 4])], F.normalize)
    far = [values(0, 1, -1, 5, -5, inf), values(0, 0, 0, 0, 0, 0)]
    for op in ["mse_loss", "l1_loss", "huber_loss"]:
        f.case(op, "0 to infinity apart", far, lambda x, t, op=op: getattr(F, op)(x, t, reduction="none"))
    f.case("binary_cross_entropy_with_logits", "±10,000, 0",
           [values(1e4, -1e4, 0, 100, -100), values(0, 1, 0.5, 1, 0)],
           lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"))
    f.case("kl_div", "targets of 0", [values(-1, -2, -3), values(0.5, 0, 0.5)],
           lambda x, t: F.kl_div(x, t, reduction="sum"), fixed=(1,))
    f.case("kl_div", "targets of 0 that take a gradient", [values(-1, -inf, -3), values(0.5, 0, 0)],
           lambda x, t: F.kl_div(x, t, reduction="sum"))


def shapes(f):
    index = torch.tensor([0])
    f.case("gather", "x [], index [1]", [values(3)[0], index], lambda x, i: x.gather(0, i))
    f.case("index_select", "x []", [values(3)[0], index], lambda x, i: x.index_select(0, i))
    f.case("cat", "{x, [0]}", [values([1, 2], [3, 4]), torch.zeros(0, dtype=torch.float64)],
           lambda x, e: torch.cat([x, e]), fixed=(1,))
    f.case("linear", "weight [3]", [values([1, 2, 3], [4, 5, 6]), values(1, -1, 2)], F.linear)
    f.case("pad", "twelve dimensions", [values(*[[[[[[[[[[[[1, 2]]]]]]]]]]]])],
           lambda x: F.pad(x, [1, 0] + [0, 0] * 10 + [0, 1]))
    f.case("addmm", "beta 0 hides NaN", [values(nan, nan), values([1, 2], [3, 4]), values([1, 0], [2, 1])],
           lambda x, a, b: torch.addmm(x, a, b, beta=0))
    f.case("diagonal", "diagonal(x, 7)", [values([1, 2], [3, 4])], lambda x: x.diagonal(7))


def integers(f):
    a = torch.tensor([[1, -2, 3], [2**62, 5, 0]])
    b = torch.tensor([[4, 0], [-1, 7], [2, 2]])
    for op, inputs in {"matmul": (a, b), "linear": (a, b.t(), b[0]), "bmm": (a[None], b[None])}.items():
        f.case(op, f"{op} of integers, which wrap around", inputs, getattr(F if op == "linear" else torch, op))
    f.case("matmul", "a matrix and a vector of integers", [a, b[:, 0]], torch.matmul)
    f.case("einsum", "einsum(ij,jk->ki) of integers", [a, b], lambda a, b: torch.einsum("ij,jk->ki", a, b))
    twice, bools = torch.tensor([1, 1]), torch.tensor([True, False, False])
    for op in ["scatter_add", "index_add"]:
        f.case(op, f"{op} of bool", [bools, twice, bools[:2]], lambda x, i, y, op=op: getattr(x, op)(0, i, y))
    f.case("index_add", "x []", [values(3)[0], torch.tensor([0]), values(2)[0]], lambda x, i, y: x.index_add(0, i, y))
    f.case("index_add", "of bool, alpha 0", [bools, twice, bools[:2]], lambda x, i, y: x.index_add(0, i, y, alpha=False))
    f.case("baddbmm", "integers by whole factors", [a[None, :, :2], a[None], b[None]],
           lambda x, a, b: torch.baddbmm(x, a, b, beta=2.5, alpha=-1.5))
    f.case("linspace", "between whole parts", [], lambda: torch.linspace(4.3, -3, 9, dtype=torch.int64))
    f.case("arange", "from and by the whole parts", [], lambda: torch.arange(-0.9, 6, 2.5, dtype=torch.int64))


def edges():
    f = Family()
    for add in [pointwise, pairs, reductions, rows_and_losses, shapes, integers]:
        add(f)
    return f
