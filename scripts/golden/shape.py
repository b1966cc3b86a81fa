"""Views, indexing, creation and in-place operations, for make_golden.py."""

import torch
import torch.nn.functional as F

from .family import Family, booleans, integers, normal, positive


def shape():
    f = Family()
    f.case("reshape", "reshape(x, {4, -1})", [normal(2, 6)], lambda x: x.reshape(4, -1))
    f.case("reshape", "reshape(x, {0, 5})", [normal(0, 3)], lambda x: x.reshape(0, 5))
    f.case("view", "view(x, {3, 4})", [normal(2, 6)], lambda x: x.view(3, 4))
    f.case("flatten", "flatten(x)", [normal(2, 3, 2)], torch.flatten)
    f.case("flatten", "flatten(x, 1, -1)", [normal(2, 3, 2)], lambda x: x.flatten(1, -1))
    f.case("transpose", "transpose(x, 0, -1)", [normal(2, 3, 4)], lambda x: x.transpose(0, -1))
    f.case("swapaxes", "swapaxes(x, 0, -1)", [normal(2, 3, 4)], lambda x: x.swapaxes(0, -1))
    f.case("movedim", "movedim(x, {0, -1}, {1, 0})", [normal(2, 3, 4)], lambda x: x.movedim((0, -1), (1, 0)))
    f.case("movedim", "movedim(x, 0, -1)", [normal(2, 3, 4)], lambda x: x.movedim(0, -1))
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
    f.case("diag", "diag(x, 1), x [3]", [normal(3)], lambda x: x.diag(1))
    f.case("diag", "diag(x, -1), x [3, 4]", [normal(3, 4)], lambda x: x.diag(-1))
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
    f.case("unbind", "unbind(x, -1)[2]", [normal(2, 4)], lambda x: x.unbind(-1)[2])
    f.case("tile", "tile(x, {2})", [normal(2, 2)], lambda x: x.tile((2,)))
    f.case("tile", "tile(x, {2, 1, 3})", [normal(2, 2)], lambda x: x.tile((2, 1, 3)))
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
    f.case("index_add", "index_add(x, 0, i, s)", [normal(4, 3), integers(0, 4, 6), normal(6, 3)],
           lambda x, i, s: x.index_add(0, i, s))
    f.case("index_add", "index_add(x, -1, i, s, 0.5)", [normal(4, 3), integers(0, 3, 2), normal(4, 2)],
           lambda x, i, s: x.index_add(-1, i, s, alpha=0.5))
    f.case("masked_select", "masked_select(x, m)", [normal(3, 4), booleans(3, 4)], torch.masked_select)
    f.case("masked_select", "masked_select(x, m), m [4, 1]", [normal(3), booleans(4, 1)], torch.masked_select)
    f.case("one_hot", "one_hot(i, 5)", [integers(0, 5, 2, 3)], lambda i: F.one_hot(i, 5))
    f.case("one_hot", "one_hot(i)", [torch.tensor([0, 3, 1])], F.one_hot)
    return f


def inplace():
    f = Family()
    for name, right in [("add_", normal), ("sub_", normal), ("mul_", normal), ("div_", positive), ("copy_", normal)]:
        for a, b in [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 3), ()), ((0, 3), (1, 3))]:
            f.case(name, f"(x * 2).{name}(y), {list(a)} {list(b)}", [normal(*a), right(*b)],
                   lambda x, y, name=name: getattr(x * 2, name)(y))
    for name in ["add_", "sub_", "mul_", "div_"]:
        f.case(name, f"(x * 2).{name}(1.5)", [normal(3, 4)], lambda x, name=name: getattr(x * 2, name)(1.5))
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
