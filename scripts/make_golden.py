#!/usr/bin/env python3
"""Writes tests/golden/<family>.safetensors: what PyTorch says of every operation.

    python3 scripts/make_golden.py [OUTPUT_FOLDER]     (needs torch and safetensors)

Each case holds its inputs (values that float32 represents exactly), the output of PyTorch in
float64, a random cotangent, and the gradient of every floating input:
"exp/0/in0", "exp/0/out", "exp/0/cot", "exp/0/grad0". An operation with several results has one
case for each. The metadata say of each case what was called; the tests' rows list the same calls in
the same order.
"""

import json
import os
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from golden_edges import edges
from golden_family import Family, away, booleans, distinct, integers, normal, positive, reseed, uniform


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
    for op in ["logical_and", "logical_or"]:
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
    for op in ["log", "sqrt", "rsqrt", "reciprocal"]:
        f.pointwise(op, getattr(torch, op), positive)
    f.pointwise("log1p", torch.log1p, lambda *s: uniform(-0.75, 3, *s))
    for op in ["abs", "sign"]:
        f.pointwise(op, getattr(torch, op), away)
    f.pointwise("floor", torch.floor, lambda *s: distinct(*s, step=0.3).float().double())
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


def reduce():
    f = Family()
    ways = [((3, 4), (0,), False), ((3, 4), (-1,), True), ((2, 3, 4), (0, 2), False),
            ((2, 1, 4), (1, -1), True), ((2, 0, 3), (0,), False)]

    def over(op, function, draw=normal, cases=ways):
        for shape, dims, keep in cases:
            f.case(op, f"{op}(x, dims, keepdim), {list(shape)} {list(dims)} {keep}", [draw(*shape)],
                   lambda x, d=dims, k=keep: function(x, d, k))

    def both(op, call, x, function):
        f.case(op, call + ".values", [x], lambda x: function(x).values)
        f.case(op, call + ".indices", [x], lambda x: function(x).indices)

    for op in ["sum", "mean"]:
        over(op, lambda x, d, k, op=op: getattr(torch, op)(x, d, keepdim=k))
        f.case(op, f"{op}(x)", [normal(3, 4)], getattr(torch, op))
    f.case("sum", "sum(x, {1}), [2, 0, 3]", [normal(2, 0, 3)], lambda x: x.sum(1))

    def prod(x, dims, keep):
        for d in sorted((d % x.dim() for d in dims), reverse=True):
            x = x.prod(d, keepdim=keep)
        return x

    over("prod", prod)
    f.case("prod", "prod(x)", [normal(3, 4)], torch.prod)
    zero = normal(3, 4)
    zero[0, 1] = zero[1, 0] = zero[1, 3] = 0
    f.case("prod", "prod(x, {1}), one zero and two zeros in a row", [zero], lambda x: x.prod(1))
    for op in ["var", "std"]:
        over(op, lambda x, d, k, op=op: getattr(torch, op)(x, d, keepdim=k),
             cases=[((3, 4), (0,), False), ((3, 4), (-1,), True), ((2, 3, 4), (0, 2), False)])
        f.case(op, f"{op}(x)", [normal(3, 4)], getattr(torch, op))
        f.case(op, f"{op}(x, {{1}}, 0)", [normal(3, 4)],
               lambda x, op=op: getattr(torch, op)(x, 1, correction=0))
    over("logsumexp", lambda x, d, k: torch.logsumexp(x, d, keepdim=k))
    f.case("norm", "norm(x)", [normal(3, 4)], torch.linalg.vector_norm)
    for p in [1, 2, 3]:
        f.case("norm", f"norm(x, {p}, {{-1}})", [away(3, 4)],
               lambda x, p=p: torch.linalg.vector_norm(x, p, -1))
    f.case("norm", "norm(x, 2, {0, 2}, true)", [normal(2, 3, 4)],
           lambda x: torch.linalg.vector_norm(x, 2, (0, 2), keepdim=True))
    for op in ["amax", "amin"]:
        over(op, lambda x, d, k, op=op: getattr(torch, op)(x, d, keepdim=k), distinct)
    for op in ["max", "min"]:
        f.case(op, f"{op}(x)", [distinct(3, 4)], getattr(torch, op))
        for d, k in [(0, False), (-1, True)]:
            both(op, f"{op}(x, {d}, {k})", distinct(3, 4),
                 lambda x, d=d, k=k, op=op: getattr(torch, op)(x, d, keepdim=k))
    for op in ["argmax", "argmin"]:
        f.case(op, f"{op}(x)", [distinct(3, 4)], getattr(torch, op), False)
        for d, k in [(0, False), (-1, True)]:
            f.case(op, f"{op}(x, {d}, {k})", [distinct(3, 4)],
                   lambda x, d=d, k=k, op=op: getattr(torch, op)(x, d, keepdim=k), False)
    for d, shape in [(0, (3, 4)), (-1, (2, 3, 4)), (1, (2, 1, 3)), (0, (0, 3))]:
        f.case("cumsum", f"cumsum(x, {d}), {list(shape)}", [normal(*shape)],
               lambda x, d=d: x.cumsum(d))
    for op in ["any", "all"]:
        f.case(op, f"{op}(x)", [booleans(3, 4)], getattr(torch, op))
        f.case(op, f"{op}(x, {{1}})", [booleans(3, 4)], lambda x, op=op: getattr(torch, op)(x, 1))
        f.case(op, f"{op}(x, {{-2}}, true)", [booleans(2, 3, 2)],
               lambda x, op=op: getattr(torch, op)(x, -2, keepdim=True))
    for d, down in [(-1, False), (0, True)]:
        both("sort", f"sort(x, {d}, {down})", distinct(3, 5), lambda x, d=d, down=down: x.sort(d, down))
        f.case("argsort", f"argsort(x, {d}, {down})", [distinct(3, 5)],
               lambda x, d=d, down=down: x.argsort(d, down), False)
    for k, d, largest in [(2, -1, True), (1, 0, False)]:
        both("topk", f"topk(x, {k}, {d}, {largest})", distinct(3, 5),
             lambda x, k=k, d=d, l=largest: x.topk(k, d, l))
    return f


def linalg():
    f = Family()
    for a, b in [((4,), (4,)), ((3, 4), (4,)), ((3,), (3, 5)), ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)),
                 ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((0, 4), (4, 5)),
                 ((3, 0), (0, 5))]:
        f.case("matmul", f"matmul(a, b), {list(a)} {list(b)}", [normal(*a), normal(*b)], torch.matmul)
    f.case("bmm", "bmm(a, b)", [normal(2, 3, 4), normal(2, 4, 5)], torch.bmm)
    f.case("outer", "outer(a, b)", [normal(3), normal(4)], torch.outer)
    f.case("linear", "linear(x, w, b)", [normal(5, 4), normal(3, 4), normal(3)], F.linear)
    f.case("linear", "linear(x, w)", [normal(2, 5, 4), normal(3, 4)], F.linear)
    f.case("linear", "linear(x, w, b), x [4]", [normal(4), normal(3, 4), normal(3)], F.linear)
    for equation, shapes in [("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,bkj->bik", [(2, 3, 4), (2, 5, 4)]),
                             ("ii->i", [(3, 3)]), ("ij->ji", [(2, 3)]), ("ij,ij->", [(2, 3), (2, 3)]),
                             ("i,j,k->ijk", [(2,), (3,), (2,)]), ("...ij,...jk", [(2, 3, 4), (4, 2)])]:
        f.case("einsum", f'einsum("{equation}", …)', [normal(*s) for s in shapes],
               lambda *x, e=equation: torch.einsum(e, *x))
    return f


def shape():
    f = Family()
    f.case("reshape", "reshape(x, {4, -1})", [normal(2, 6)], lambda x: x.reshape(4, -1))
    f.case("reshape", "reshape(x, {0, 5})", [normal(0, 3)], lambda x: x.reshape(0, 5))
    f.case("view", "view(x, {3, 4})", [normal(2, 6)], lambda x: x.view(3, 4))
    f.case("flatten", "flatten(x)", [normal(2, 3, 2)], torch.flatten)
    f.case("flatten", "flatten(x, 1, -1)", [normal(2, 3, 2)], lambda x: x.flatten(1, -1))
    f.case("transpose", "transpose(x, 0, -1)", [normal(2, 3, 4)], lambda x: x.transpose(0, -1))
    f.case("permute", "permute(x, {2, 0, -2})", [normal(2, 3, 4)], lambda x: x.permute(2, 0, -2))
    f.case("expand", "expand(x, {2, 3, 4})", [normal(3, 1)], lambda x: x.expand(2, 3, 4))
    f.case("expand", "expand(x, {5, -1})", [normal(1, 3)], lambda x: x.expand(5, -1))
    f.case("squeeze", "squeeze(x)", [normal(1, 3, 1)], torch.squeeze)
    f.case("squeeze", "squeeze(x, -1)", [normal(1, 3, 1)], lambda x: x.squeeze(-1))
    f.case("unsqueeze", "unsqueeze(x, -1)", [normal(2, 3)], lambda x: x.unsqueeze(-1))
    f.case("unsqueeze", "unsqueeze(x, 1)", [normal(2, 3)], lambda x: x.unsqueeze(1))
    f.case("slice", "slice(x, 0, 1, 4, 2)", [normal(5, 3)], lambda x: x[1:4:2])
    f.case("slice", "slice(x, -1, {}, -1)", [normal(2, 5)], lambda x: x[:, :-1])
    f.case("slice", "slice(x, 1, {}, {}, -2)", [normal(2, 5)], lambda x: x.flip(1)[:, ::2])
    f.case("narrow", "narrow(x, 1, 1, 2)", [normal(3, 4)], lambda x: x.narrow(1, 1, 2))
    f.case("narrow", "narrow(x, 0, 1, 0)", [normal(3, 4)], lambda x: x.narrow(0, 1, 0))
    f.case("select", "select(x, 0, 1)", [normal(3, 4)], lambda x: x.select(0, 1))
    f.case("select", "select(x, -1, -2)", [normal(3, 4)], lambda x: x.select(-1, -2))
    f.case("flip", "flip(x, {0, -1})", [normal(2, 3, 4)], lambda x: x.flip(0, -1))
    for call in [(), (1,), (-1, 1, 2), (0, -1, 0)]:
        f.case("diagonal", f"diagonal(x, {call})", [normal(2, 3, 4)], lambda x, c=call: x.diagonal(*c))
    f.case("broadcast_to", "broadcast_to(x, {2, 3, 4})", [normal(3, 1)], lambda x: x.broadcast_to(2, 3, 4))
    f.case("sum_to", "sum_to(x, {3, 1})", [normal(2, 3, 4)], lambda x: x.sum_to_size(3, 1))
    f.case("to", "to(to(x, float64), dtype of x)", [normal(3, 4)], lambda x: x.double())
    f.case("to", "to(x, int64)", [normal(3, 4, scale=3)], lambda x: x.long(), False)
    f.case("to", "to(x, bool)", [integers(0, 3, 3, 4).double()], lambda x: x.bool(), False)
    f.case("clone", "clone(x)", [normal(3, 4)], torch.clone)
    f.case("contiguous", "contiguous(x)", [normal(3, 4)], lambda x: x.contiguous())
    f.case("cat", "cat({a, b, c}, -1)", [normal(2, 3), normal(2, 1), normal(2, 0)],
           lambda *x: torch.cat(x, -1))
    f.case("cat", "cat({a, b})", [normal(2, 3), normal(1, 3)], lambda *x: torch.cat(x))
    f.case("stack", "stack({a, b}, 1)", [normal(2, 3), normal(2, 3)], lambda *x: torch.stack(x, 1))
    f.case("split", "split(x, 2, 1)[2]", [normal(2, 5)], lambda x: x.split(2, 1)[2])
    f.case("split", "split(x, {1, 3}, 0)[1]", [normal(4, 2)], lambda x: x.split([1, 3])[1])
    f.case("chunk", "chunk(x, 3, -1)[0]", [normal(2, 7)], lambda x: x.chunk(3, -1)[0])
    f.case("repeat", "repeat(x, {2, 1, 3})", [normal(2, 2)], lambda x: x.repeat(2, 1, 3))
    f.case("roll", "roll(x, {1, -2}, {0, 1})", [normal(3, 4)], lambda x: x.roll((1, -2), (0, 1)))
    f.case("pad", "pad(x, {1, 2, 0, 1}, 0.5)", [normal(2, 3)], lambda x: F.pad(x, (1, 2, 0, 1), value=0.5))
    f.case("pad", "pad(x, {-1, 2})", [normal(2, 3)], lambda x: F.pad(x, (-1, 2)))
    for op in ["tril", "triu"]:
        for d in [0, 1, -1]:
            f.case(op, f"{op}(x, {d})", [normal(2, 3, 4)], lambda x, op=op, d=d: getattr(torch, op)(x, d))
    return f


def index():
    f = Family()
    f.case("index_select", "index_select(x, 0, i)", [normal(4, 3), integers(0, 4, 6)],
           lambda x, i: x.index_select(0, i))
    f.case("index_select", "index_select(x, -1, i)", [normal(2, 3, 4), integers(0, 4, 3)],
           lambda x, i: x.index_select(-1, i))
    f.case("embedding", "embedding(i, w)", [integers(0, 5, 2, 4), normal(5, 3)], F.embedding)
    f.case("embedding", "embedding(i, w), no index", [integers(0, 5, 0), normal(5, 3)], F.embedding)
    f.case("gather", "gather(x, 1, i)", [normal(3, 4), integers(0, 4, 2, 5)], lambda x, i: x.gather(1, i))
    f.case("gather", "gather(x, -2, i)", [normal(3, 4), integers(0, 3, 2, 4)], lambda x, i: x.gather(-2, i))
    f.case("take_along_dim", "take_along_dim(x, i, 1)", [normal(3, 4), integers(0, 4, 3, 2)],
           lambda x, i: x.take_along_dim(i, 1))
    f.case("take_along_dim", "take_along_dim(x, i, 1), i [1, 2]", [normal(3, 4), integers(0, 4, 1, 2)],
           lambda x, i: x.take_along_dim(i, 1))
    f.case("scatter_add", "scatter_add(x, 0, i, s)", [normal(3, 4), integers(0, 3, 5, 4), normal(5, 4)],
           lambda x, i, s: x.scatter_add(0, i, s))
    f.case("scatter_add", "scatter_add(x, -1, i, s)", [normal(3, 4), integers(0, 4, 2, 3), normal(2, 3)],
           lambda x, i, s: x.scatter_add(-1, i, s))
    f.case("one_hot", "one_hot(i, 5)", [integers(0, 5, 2, 3)], lambda i: F.one_hot(i, 5))
    f.case("one_hot", "one_hot(i)", [torch.tensor([0, 3, 1])], F.one_hot)
    return f


def normalization():
    f = Family()
    for op in ["softmax", "log_softmax"]:
        for shape, d in [((3, 4), -1), ((3, 4), 0), ((2, 3, 5), 1), ((1, 1), -1), ((0, 3), -1), ((2, 37), 1)]:
            f.case(op, f"{op}(x, {d}), {list(shape)}", [normal(*shape, scale=2)],
                   lambda x, op=op, d=d: getattr(torch, op)(x, d))
    f.case("layer_norm", "layer_norm(x, {4}, w, b)", [normal(3, 4), normal(4), normal(4)],
           lambda x, w, b: F.layer_norm(x, (4,), w, b))
    f.case("layer_norm", "layer_norm(x, {3, 4}, w, b)", [normal(2, 3, 4), normal(3, 4), normal(3, 4)],
           lambda x, w, b: F.layer_norm(x, (3, 4), w, b))
    f.case("layer_norm", "layer_norm(x, {5})", [normal(2, 3, 5)], lambda x: F.layer_norm(x, (5,)))
    f.case("layer_norm", "layer_norm(x, {4}, w), eps 1e-3", [normal(3, 4), normal(4)],
           lambda x, w: F.layer_norm(x, (4,), w, None, 1e-3))
    f.case("rms_norm", "rms_norm(x, {4}, w), eps 1e-5", [normal(3, 4), normal(4)],
           lambda x, w: F.rms_norm(x, (4,), w, 1e-5))
    f.case("rms_norm", "rms_norm(x, {5}), eps 1e-5", [normal(2, 3, 5)],
           lambda x: F.rms_norm(x, (5,), None, 1e-5))
    f.case("dropout", "dropout(x, 0)", [normal(3, 4)], lambda x: F.dropout(x, 0.0))
    f.case("dropout", "dropout(x, 1)", [normal(3, 4)], lambda x: F.dropout(x, 1.0))
    f.case("dropout", "dropout(x, 0.5, false)", [normal(3, 4)], lambda x: F.dropout(x, 0.5, False))
    return f


def loss():
    f = Family()
    target = integers(0, 4, 5)
    ignored = target.clone()
    ignored[1] = ignored[3] = -100
    for reduction in ["mean", "sum", "none"]:
        f.case("cross_entropy", f"reduction {reduction}", [normal(5, 4), target],
               lambda x, t, r=reduction: F.cross_entropy(x, t, reduction=r))
        f.case("cross_entropy", f"two targets ignored, label_smoothing 0.1, reduction {reduction}",
               [normal(5, 4), ignored],
               lambda x, t, r=reduction: F.cross_entropy(x, t, reduction=r, label_smoothing=0.1))
        f.case("nll_loss", f"two targets ignored, reduction {reduction}", [normal(5, 4), ignored],
               lambda x, t, r=reduction: F.nll_loss(x, t, reduction=r))
        for op in ["mse_loss", "l1_loss", "huber_loss"]:
            both = distinct(2, 3, 4)
            f.case(op, f"reduction {reduction}", [both[0], (both[1] + 0.01).float().double()],
                   lambda x, t, op=op, r=reduction: getattr(F, op)(x, t, reduction=r))
        f.case("binary_cross_entropy_with_logits", f"reduction {reduction}", [normal(3, 4, scale=3), uniform(0, 1, 3, 4)],
               lambda x, t, r=reduction: F.binary_cross_entropy_with_logits(x, t, reduction=r))
        probabilities = uniform(0.1, 1, 3, 4)
        f.case("kl_div", f"reduction {reduction}", [normal(3, 4), probabilities],
               lambda x, t, r=reduction: F.kl_div(x, t, reduction=r))
    f.case("huber_loss", "delta 0.5", [distinct(3, 4), (distinct(3, 4) + 0.01).float().double()],
           lambda x, t: F.huber_loss(x, t, delta=0.5))
    weight, pos_weight = uniform(0.5, 2, 3, 4), uniform(0.5, 2, 4)
    for op in ["binary_cross_entropy_with_logits", "bce_with_logits"]:
        f.case(op, "weight in2, pos_weight in3",
               [normal(3, 4), uniform(0, 1, 3, 4), weight, pos_weight],
               lambda x, t, w, p: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=p), fixed=(2, 3))
    deep = integers(0, 3, 2, 5)
    deep[1, 2] = 7
    for op in ["cross_entropy", "nll_loss"]:
        for reduction in ["mean", "none"]:
            f.case(op, f"input [N, C, d], weight in2, ignore_index 7, reduction {reduction}",
                   [normal(2, 3, 5), deep, uniform(0.5, 2, 3)],
                   lambda x, t, w, op=op, r=reduction: getattr(F, op)(
                       x, t, weight=w, ignore_index=7, reduction=r), fixed=(2,))
        f.case(op, "input [C]", [normal(4), torch.tensor(2)], getattr(F, op))
    f.case("kl_div", "log_target, reduction batchmean", [normal(3, 4), normal(3, 4)],
           lambda x, t: F.kl_div(x, t, reduction="batchmean", log_target=True))
    return f


def attention():
    f = Family()
    attend = F.scaled_dot_product_attention
    for q, k, v in [((5, 4), (6, 4), (6, 3)), ((2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 4)),
                    ((2, 1, 8), (2, 9, 8), (2, 9, 8))]:
        f.case("scaled_dot_product_attention", f"{list(q)} {list(k)} {list(v)}",
               [normal(*q), normal(*k), normal(*v)], attend)
    qkv = lambda: [normal(2, 2, 6, 4) for _ in range(3)]
    f.case("scaled_dot_product_attention", "causal", qkv(), lambda q, k, v: attend(q, k, v, is_causal=True))
    f.case("scaled_dot_product_attention", "scale 0.3", qkv(), lambda q, k, v: attend(q, k, v, scale=0.3))
    keep = booleans(2, 1, 6, 6) | torch.eye(6, dtype=torch.bool)
    f.case("scaled_dot_product_attention", "keep mask, in3", qkv() + [keep],
           lambda q, k, v, m: attend(q, k, v, m))
    f.case("scaled_dot_product_attention", "bias mask, in3", qkv() + [normal(6, 6)],
           lambda q, k, v, m: attend(q, k, v, m))
    angles = torch.arange(5.0).double()[:, None] * torch.tensor([1, 0.25]).double()
    # Rounded as in published checkpoints.
    cos, sin = angles.cos().float().double(), angles.sin().float().double()

    def rotate(x, first, second):
        a, b = x[..., first], x[..., second]
        out = x.clone()
        out[..., first], out[..., second] = a * cos - b * sin, b * cos + a * sin
        return out

    f.case("rotary_embedding", "halves", [normal(2, 5, 4)], lambda x: rotate(x, [0, 1], [2, 3]))
    f.case("rotary_embedding", "neighbours, 4 of 6 elements", [normal(2, 5, 6)],
           lambda x: rotate(x, [0, 2], [1, 3]))
    return f


def inplace():
    f = Family()
    for name, right in [("add_", normal), ("sub_", normal), ("mul_", normal), ("div_", positive), ("copy_", normal)]:
        for a, b in [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 3), ()), ((0, 3), (1, 3))]:
            f.case(name, f"(x * 2).{name}(y), {list(a)} {list(b)}", [normal(*a), right(*b)],
                   lambda x, y, name=name: getattr(x * 2, name)(y))
    f.case("add_", "y = x * 2, y.add_(y)", [normal(3, 4)], lambda x: (lambda y: y.add_(y))(x * 2))
    f.case("fill_", "(x * 2).fill_(1.5)", [normal(3, 4)], lambda x: (x * 2).fill_(1.5), False)
    f.case("zero_", "(x * 2).zero_()", [normal(3, 4)], lambda x: (x * 2).zero_(), False)
    return f


def creation():
    f = Family()
    double = torch.float64
    f.case("full", "full({2, 3}, 1.5)", [], lambda: torch.full((2, 3), 1.5, dtype=double))
    f.case("zeros", "zeros({0, 2})", [], lambda: torch.zeros(0, 2, dtype=double))
    f.case("ones", "ones({2})", [], lambda: torch.ones(2, dtype=double))
    for n, m in [(3, 3), (2, 4), (0, 2)]:
        f.case("eye", f"eye({n}, {m})", [], lambda n=n, m=m: torch.eye(n, m, dtype=double))
    for start, end, steps in [(0, 1, 5), (-2, 3, 12), (3, 9, 1), (3, 9, 0)]:
        f.case("linspace", f"linspace({start}, {end}, {steps})", [],
               lambda a=start, b=end, n=steps: torch.linspace(a, b, n, dtype=double))
    for start, end, step in [(0, 5, 1), (5, 0, -2), (0, 1, 0.25), (0.5, 2.6, 0.3), (2, 2, 1)]:
        f.case("arange", f"arange({start}, {end}, {step})", [],
               lambda a=start, b=end, s=step: torch.arange(a, b, s, dtype=double))
    for name in ["zeros_like", "ones_like"]:
        f.case(name, f"{name}(x)", [normal(2, 3)], getattr(torch, name), False)
    f.case("full_like", "full_like(x, 1.5)", [normal(2, 3)], lambda x: torch.full_like(x, 1.5), False)
    f.case("bernoulli", "bernoulli(p), p of 0 and 1", [booleans(2, 3).double()], torch.bernoulli, False)
    return f


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "golden")
    os.makedirs(folder, exist_ok=True)
    for make in [arithmetic, activation, reduce, linalg, shape, index, normalization, loss, attention,
                 inplace, creation, edges]:
        reseed()
        family = make()
        tensors = {k: t.detach().contiguous().clone() for k, t in family.tensors.items()}
        save_file(tensors, os.path.join(folder, make.__name__ + ".safetensors"),
                  {"calls": json.dumps(family.calls)})
        print(f"{make.__name__}: {len(family.count)} operations, {len(family.calls)} cases")


if __name__ == "__main__":
    main()
