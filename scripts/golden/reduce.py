"""Reductions and products, for make_golden.py."""

import torch
import torch.nn.functional as F

from .family import Family, away, booleans, distinct, normal


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
    f.case("addmm", "addmm(x, a, b)", [normal(5), normal(3, 4), normal(4, 5)], torch.addmm)
    f.case("addmm", "addmm(x, a, b, 0.5, 2)", [normal(3, 5), normal(3, 4), normal(4, 5)],
           lambda x, a, b: torch.addmm(x, a, b, beta=0.5, alpha=2))
    f.case("baddbmm", "baddbmm(x, a, b, 0.5, 2)", [normal(2, 3, 5), normal(2, 3, 4), normal(2, 4, 5)],
           lambda x, a, b: torch.baddbmm(x, a, b, beta=0.5, alpha=2))
    f.case("trace", "trace(x)", [normal(3, 4)], torch.trace)
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
