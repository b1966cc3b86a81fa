"""Operations of each element, for make_golden.py."""

import torch
import torch.nn.functional as F

from .family import Family, away, booleans, distinct, integers, normal, positive, uniform

PAIRS = [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2, 3)), ((0, 3), (1, 3))]


def arithmetic():
    f = Family()
    binary = {
        "add": (torch.add, normal, normal),
        "sub": (torch.sub, normal, normal),
        "mul": (torch.mul, normal, normal),
        "div": (torch.div, normal, positive),
        "pow": (torch.pow, positive, normal),
    }
    for op, (function, left, right) in binary.items():
        for a, b in PAIRS:
            f.case(op, f"{op}(a, b), {list(a)} {list(b)}", [left(*a), right(*b)], function)
    f.case("add", "add(x, 1.5)", [normal(3, 4)], lambda x: x + 1.5)
    f.case("sub", "sub(x, 1.5)", [normal(3, 4)], lambda x: x - 1.5)
    f.case("sub", "sub(1.5, x)", [normal(3, 4)], lambda x: 1.5 - x)
    f.case("mul", "mul(x, 1.5)", [normal(3, 4)], lambda x: x * 1.5)
    f.case("div", "div(x, 1.5)", [normal(3, 4)], lambda x: x / 1.5)
    f.case("div", "div(1.5, x)", [positive(3, 4)], lambda x: 1.5 / x)
    f.case("pow", "pow(x, 3)", [normal(3, 4)], lambda x: x**3)
    f.case("pow", "pow(x, 2.5)", [positive(3, 4)], lambda x: x**2.5)
    f.case("pow", "pow(2, x)", [normal(3, 4)], lambda x: 2**x)
    for op in ["minimum", "maximum"]:
        for a, b in PAIRS:
            both = distinct(2 * 24)
            draw = [both[:24], both[24:]]
            inputs = [d[: torch.Size(s).numel()].reshape(s) for d, s in zip(draw, (a, b))]
            f.case(op, f"{op}(a, b), {list(a)} {list(b)}", inputs, getattr(torch, op))
    f.case("clamp", "clamp(x, -1, 1.5)", [distinct(4, 5)], lambda x: x.clamp(-1, 1.5))
    f.case("clamp", "clamp(x, -0.5)", [distinct(4, 5)], lambda x: x.clamp(-0.5))
    f.case("clamp", "clamp(x, {}, 0.5)", [distinct(4, 5)], lambda x: x.clamp(max=0.5))
    for a, b in PAIRS:
        f.case("lerp", f"lerp(a, b, 0.3), {list(a)} {list(b)}", [normal(*a), normal(*b)],
               lambda x, y: torch.lerp(*torch.broadcast_tensors(x, y), 0.3))
    f.case("lerp", "lerp(a, b, w)", [normal(2, 3), normal(3), uniform(0, 1, 2, 1)], torch.lerp)
    for op in ["eq", "ne", "lt", "le", "gt", "ge"]:
        for a, b in PAIRS:
            f.case(op, f"{op}(a, b), {list(a)} {list(b)}",
                   [integers(0, 3, *a).double(), integers(0, 3, *b).double()], getattr(torch, op), False)
        f.case(op, f"{op}(x, 1)", [integers(0, 3, 3, 4).double()],
               lambda x, op=op: getattr(torch, op)(x, 1), False)
    for op in ["logical_and", "logical_or", "logical_xor"]:
        for a, b in PAIRS:
            f.case(op, f"{op}(a, b), {list(a)} {list(b)}", [booleans(*a), booleans(*b)], getattr(torch, op))
    f.case("logical_not", "logical_not(x)", [booleans(3, 4)], torch.logical_not)
    for a, b in PAIRS:
        f.case("where", f"where(condition, a, b), {list(a)} {list(b)}",
               [booleans(*torch.broadcast_shapes(a, b)), normal(*a), normal(*b)], torch.where)
    f.case("where", "where(condition, a, b), condition [4]",
           [booleans(4), normal(3, 1), normal(3, 4)], torch.where)
    f.case("where", "where(condition, a, 0.5)", [booleans(3, 4), normal(3, 4)],
           lambda c, x: torch.where(c, x, 0.5))
    f.case("where", "where(condition, 0.5, a)", [booleans(3, 4), normal(4)],
           lambda c, x: torch.where(c, 0.5, x))
    f.case("masked_fill", "masked_fill(x, mask, -2)", [normal(3, 4), booleans(3, 4)],
           lambda x, m: x.masked_fill(m, -2))
    f.case("masked_fill", "masked_fill(x, mask, -2), mask [4]", [normal(2, 3, 4), booleans(4)],
           lambda x, m: x.masked_fill(m, -2))
    f.case("masked_fill", "masked_fill(x, mask, -2), empty", [normal(0, 4), booleans(4)],
           lambda x, m: x.masked_fill(m, -2))
    return f


def activation():
    f = Family()
    for op in ["exp", "expm1", "sin", "cos", "erf", "square", "neg", "tanh", "sigmoid"]:
        f.pointwise(op, getattr(torch, op))
    for op in ["log", "log2", "log10", "sqrt", "rsqrt", "reciprocal"]:
        f.pointwise(op, getattr(torch, op), positive)
    f.pointwise("log1p", torch.log1p, lambda *s: uniform(-0.75, 3, *s))
    for op in ["abs", "sign"]:
        f.pointwise(op, getattr(torch, op), away)
    for op in ["floor", "ceil", "round", "trunc"]:
        f.pointwise(op, getattr(torch, op), lambda *s: distinct(*s, step=0.3).float().double())
    f.pointwise("logsigmoid", F.logsigmoid)
    f.pointwise("mish", F.mish)
    f.pointwise("hardtanh", F.hardtanh, lambda *s: distinct(*s, step=0.3).float().double())
    f.case("hardtanh", "hardtanh(x, -2, 0.5)", [distinct(4, 5)], lambda x: F.hardtanh(x, -2, 0.5))
    f.pointwise("relu6", F.relu6, lambda *s: distinct(*s, step=0.7).float().double())
    f.pointwise("nan_to_num", torch.nan_to_num)
    f.pointwise("relu", F.relu, away)
    f.pointwise("leaky_relu", F.leaky_relu, away)
    f.case("leaky_relu", "leaky_relu(x, 0.2)", [away(3, 4)], lambda x: F.leaky_relu(x, 0.2))
    f.pointwise("elu", F.elu, away)
    f.case("elu", "elu(x, 1.5)", [away(3, 4)], lambda x: F.elu(x, 1.5))
    f.pointwise("gelu", F.gelu)
    f.case("gelu", 'gelu(x, "tanh")', [normal(5, 4)], lambda x: F.gelu(x, approximate="tanh"))
    f.pointwise("silu", F.silu)
    f.pointwise("softplus", F.softplus)
    f.case("softplus", "softplus(x, 2, 1)", [normal(3, 4)], lambda x: F.softplus(x, 2, 1))
    return f
