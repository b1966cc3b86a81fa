"""Samples beyond PyTorch's own: NaN, infinities, signed zeros, denormals, huge and tiny numbers, ties, empty tensors."""
import itertools
from math import inf, nan

import torch
from torch.testing._internal.opinfo.core import SampleInput

POINTS = [nan, inf, -inf, 0.0, -0.0, 1e-40, -1e-40, 1e-30, 1e-8, 1e-4, -1e-4, 1e4, -1e4, 1e6, 1e30, -1e30, 3e38, 123456.7,
          0.5, -0.5, 0.9999999, -0.9999999, 1.0, -1.0, 1.0000001, 1.5, -1.5, 2.5, -2.5, 2.9, 3.0, -3.0, 5.0, -5.0, 6.0,
          -6.0, 8.0, -8.5, 9.1, -10.0, -13.0, -15.0, 20.0, -20.0, 20.5, 30.0, -30.0, 87.0, -87.0, 88.5, -88.5, -103.0,
          -104.5, 38999.0, 39001.0]
FEW = [nan, inf, -inf, 0.0, 1.0, -1.0, 2.0, 0.5]
OPERANDS = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 2.5, 7.0, 1e-40, 1e30, -1e30]
NUMBERS = [0.0, -1.0, 2.0, 0.5, -0.5, 3.0, -2.0, 1.0, 2.5, inf, -inf, nan, 0, 2, -1, 3]
ROWS = [[1.0, nan, 3.0], [inf, -inf, 2.0], [5.0, 5.0, 1.0], [0.0, 0.0, 0.0], [inf, inf, 1.0], [-inf, -inf, -inf],
        [nan, nan, 1.0], [0.0, 2.0, 3.0], [-0.0, 0.0, -0.0]]


def leaf(values):
    return torch.as_tensor(values, dtype=torch.float32).detach().requires_grad_()


def normal(*shape):
    return torch.randn(shape).requires_grad_()


def sample(first, *rest, **options):
    return SampleInput(first, args=rest, kwargs=options)


def to_reduce():
    return [leaf(ROWS), leaf([[2.0]]), leaf(3.0), leaf([4.0]), leaf([]).reshape(2, 0, 3), leaf([]), leaf([1, 1, 1, 2, 2]),
            leaf(torch.tensor([[1.0, 2.0], [2.0, 2.0]]).t()), leaf(torch.tensor([[1.0], [2.0]]).expand(2, 3))]


def dims(x):
    return range(-max(x.dim(), 1), max(x.dim(), 1))


def along(**options):
    """Every case along every dimension."""
    return [sample(x, dim, **options) for x in to_reduce() for dim in dims(x)]


def pointwise():
    yield sample(leaf(POINTS))
    for low, high in [(-1, 1), (-6, 6), (-30, 30), (-100, 100), (0, 1e-3), (-5, -3)]:
        yield sample(leaf(torch.rand(300) * (high - low) + low))
    for x in (leaf([]).reshape(0, 3), leaf(2.0), leaf([[1.5]]), leaf(torch.randn(3, 4).t())):
        yield sample(x)


def pairs():
    a, b = zip(*itertools.product(OPERANDS, OPERANDS))
    yield sample(leaf(a), leaf(b))
    for number in NUMBERS:
        yield sample(leaf(OPERANDS), number)
    yield sample(leaf([]).reshape(0, 3), leaf([[1.0]]))
    yield sample(leaf(1.0), leaf(2.0))
    yield sample(leaf([1.0, 2.0]), leaf(2.0))
    yield sample(leaf([[1.0], [2.0]]), leaf([3.0, 4.0, 0.0]))
    yield sample(leaf(torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t()), leaf([[1.0, 5.0], [3.0, 4.0]]))


def reductions():
    for x in to_reduce():
        yield sample(x)
        for dim, keepdim in itertools.product(dims(x), (False, True)):
            yield sample(x, dim=dim, keepdim=keepdim)


def reductions_of_several():
    yield from reductions()
    for dim in ((0, 1), (0, -1)):
        yield sample(leaf(ROWS), dim=dim)


def spreads():
    for x, correction in itertools.product(to_reduce(), (0, 1, 2, 3, 1.5, 10)):
        yield sample(x, dim=None, correction=correction)
        for dim in dims(x):
            yield sample(x, dim=dim, correction=correction, keepdim=correction == 1)
    yield sample(leaf(torch.randn(50) + 1e4), dim=None, correction=1)


def logsumexps():
    yield from along()
    yield from along(keepdim=True)
    for x, dim in ([ROWS, (0, 1)], [[1e4, 1e4], 0], [[-1e4, -1e4], 0], [[[1.0, 2.0]], ()]):
        yield sample(leaf(x), dim)


def norms(with_dims):
    for x, p in itertools.product(to_reduce(), (0, 1, 2, 3, inf, -inf, 0.5, -1, 2.5, -2)):
        yield sample(x, p)
        if with_dims:
            for dim, keepdim in itertools.product(dims(x), (False, True)):
                yield sample(x, p, dim, keepdim)
    yield sample(leaf([1e30, 1e30]), 2)
    yield sample(leaf([1e-30, 1e-30]), 2)


def softmaxes():
    yield from along()
    yield sample(leaf([[1e4, -1e4, 0.0], [-inf, 0.0, 1.0], [inf, 0.0, 1.0], [-1e4, -1e4, -1e4]]), -1)
    yield sample(leaf([[3e38, 3e38]]), -1)


def sorts():
    return [sample(x, dim=dim, descending=descending)
            for x in to_reduce() for dim in dims(x) for descending in (False, True)]


def best():
    for x in to_reduce():
        for dim in dims(x):
            size = x.size(dim) if x.dim() else 1
            for k, largest in itertools.product(sorted({0, min(1, size), size}), (True, False)):
                yield sample(x, k, dim, largest)


def clamps():
    bounds = [(-1.0, 1.0), (None, 1.0), (0.0, None), (2.0, 1.0), (nan, 1.0), (None, nan), (-inf, inf), (0, 1)]
    return [sample(leaf(FEW), low, high) for low, high in bounds]


def interpolations():
    x = leaf(FEW)
    ends = leaf(x.flip(0))
    for weight in (0.0, 1.0, 0.3, 0.5, 0.7, -1.0, 2.0, nan):
        yield sample(x, ends, weight)
    yield sample(x, ends, leaf(x.roll(2)))


def choices():
    chosen = torch.tensor([True, False])
    yield sample(leaf([nan, 1.0]), chosen, leaf([2.0, inf]))
    yield sample(leaf([1.0, nan]), chosen, leaf([nan, 2.0]))


def products():
    yield sample(leaf([[inf, 0.0], [nan, 1.0]]), leaf([[0.0, 1.0], [1.0, 1.0]]))
    for a, b in [((0, 3), (3, 2)), ((2, 0), (0,)), ((2, 1, 3, 4), (5, 4, 1)), ((2, 1, 0, 4), (3, 4, 2))]:
        yield sample(normal(*a), normal(*b))
    yield sample(leaf(torch.randn(4, 3).t()), leaf(torch.randn(2, 4).t()))


def equations():
    terms = {"ij,jk->ik": [(2, 3), (3, 4)], "ii": [(3, 3)], "ii->i": [(3, 3)], "iij->j": [(3, 3, 2)],
             "ijk->kji": [(2, 3, 4)], "...i,...i->...": [(2, 3, 4), (3, 4)], "b...i,i->b...": [(2, 3, 4), (4,)],
             "ij,kl->ijkl": [(2, 3), (1, 2)], "ij,ij,ij->j": [(2, 3)] * 3, "i,i": [(3,), (3,)], "ij,j": [(2, 3), (3,)],
             "ab,bc,cd->ad": [(2, 3), (3, 4), (4, 2)], "i->": [(3,)], "->": [()], ",->": [(), ()],
             "ij,->ij": [(2, 2), ()], "ij,ik->": [(2, 3), (2, 2)], "bhqd,bhkd->bhqk": [(2, 2, 3, 4), (2, 2, 5, 4)],
             "iji->j": [(2, 3, 2)], "ii,ii->i": [(2, 2), (2, 2)], "...": [(2, 3)], "...ii->...i": [(2, 3, 3)],
             "Ab,bA->Ab": [(2, 3), (3, 2)], "ba": [(2, 3)]}
    for equation, shapes in terms.items():
        yield sample([normal(*shape) for shape in shapes], equation)
    for shapes in [(0, 3), (3, 4)], [(2, 0), (0, 4)], [(2, 1), (3, 4)]:
        yield sample([normal(*shape) for shape in shapes], "ij,jk->ik")


def layer_norms():
    for x in ([[1e5, 1e5 + 1, 1e5 - 1, 1e5]], [[0.0, 0.0]], [[nan, 1.0]], [[3.0]]):
        yield sample(leaf(x), (len(x[0]),))
    yield sample(leaf([]).reshape(0, 2), (2,))
    yield sample(leaf(torch.randn(2, 3, 4).transpose(0, 1)), (2, 4))


def rms_norms():
    for x in ([[0.0, 0.0]], [[nan, 1.0]], [[1e20, 1.0]]):
        yield sample(leaf(x), (2,))
    yield sample(leaf([]).reshape(0, 2), (2,))


def cross_entropies():
    targets = torch.tensor([0, 2])
    logits = ([[1e4, 0.0, -1e4], [-inf, 0.0, 1.0]], [[inf, 0.0, 0.0], [1.0, nan, 0.0]], [[1.0, 2.0, 3.0], [3.0, 3.0, 3.0]])
    for x, smoothing, reduction in itertools.product(logits, (0.0, 0.1, 1.0), ("mean", "sum", "none")):
        yield sample(leaf(x), targets, label_smoothing=smoothing, reduction=reduction)
    yield sample(normal(0, 3), torch.zeros(0, dtype=torch.int64), reduction="sum")
    yield sample(normal(2, 3, 0), torch.zeros(2, 0, dtype=torch.int64), reduction="none")


def divergences():
    for reduction in ("mean", "sum", "none", "batchmean"):
        yield sample(leaf([[-1.0, -inf, -2.0]]), leaf([[0.5, 0.0, 0.5]]), reduction=reduction)
        yield sample(leaf([[-1.0, -3.0, -2.0]]), leaf([[0.5, -0.5, nan]]), reduction=reduction)
        yield sample(leaf([[-1.0, -3.0, -2.0]]), leaf([[-inf, -0.5, 0.0]]), reduction=reduction, log_target=True)
        yield sample(leaf(-1.0), leaf(0.5), reduction=reduction)


def binary_entropies():
    for reduction in ("mean", "sum", "none"):
        yield sample(leaf([1e4, -1e4, 0.0, 100.0, -100.0, 20.5]), leaf([0.0, 1.0, 0.5, 1.0, 0.0, 0.2]), reduction=reduction)
        yield sample(leaf([inf, -inf, nan]), leaf([1.0, 0.0, 1.0]), reduction=reduction)


def distances():
    for reduction in ("mean", "sum", "none"):
        yield sample(leaf([0.0, 1.0, -1.0, 5.0, nan, inf]), leaf([0.0] * 6), reduction=reduction)
    yield sample(leaf([]), leaf([]), reduction="mean")
    yield sample(leaf([]), leaf([]), reduction="sum")
    yield sample(leaf([[1.0], [2.0]]), leaf([1.0, 2.0, 4.0]))


def joins():
    yield sample([leaf([[1.0]]), leaf([])], 0)
    yield sample([leaf([]), leaf([])], 0)
    yield sample([torch.tensor([1]), leaf([0.5])], 0)


TWICE = torch.tensor([[0, 1], [1, 1]])


def gathers():
    yield sample(normal(2, 3), 1, TWICE)
    yield sample(normal(2, 3), 0, torch.zeros(0, 2, dtype=torch.int64))
    yield sample(leaf(torch.randn(3, 2).t()), 1, TWICE)


def scatters():
    yield sample(normal(2, 3), 1, TWICE, normal(3, 3))
    yield sample(normal(2, 3), 1, torch.zeros(2, 0, dtype=torch.int64), normal(2, 3))


def with_options(*options):
    """The points, with each of several options."""
    return lambda: [sample(leaf(POINTS), **each) for each in options]


def of_all(*makers):
    return lambda: itertools.chain.from_iterable(make() for make in makers)


MAKERS = {
    **dict.fromkeys("exp expm1 log log1p log2 log10 sqrt rsqrt square reciprocal sin cos erf abs sign floor ceil round "
                    "trunc neg tanh sigmoid isnan isinf isfinite logical_not nan_to_num".split(), pointwise),
    **{f"nn.functional.{name}": pointwise for name in "relu silu mish logsigmoid hardtanh relu6".split()},
    "nn.functional.gelu": of_all(pointwise, with_options({"approximate": "tanh"})),
    "nn.functional.elu": of_all(pointwise, with_options(*({"alpha": a} for a in (0.5, 2.0, -1.0, 0.0)))),
    "nn.functional.leaky_relu": of_all(pointwise, with_options(*({"negative_slope": s} for s in (0.5, 2.0, -1.0, 0.0)))),
    "nn.functional.softplus": of_all(pointwise, with_options(
        *({"beta": b, "threshold": t} for b, t in [(2, 1), (0.5, 20), (1, 20), (3, 0), (1, -5), (-1, 20)]))),
    **dict.fromkeys("add sub mul div pow minimum maximum eq ne lt le gt ge logical_and logical_or logical_xor".split(),
                    pairs),
    **dict.fromkeys("sum mean amax amin any all".split(), reductions_of_several),
    **dict.fromkeys("prod argmax argmin".split(), reductions),
    "max.reduction_no_dim": lambda: map(sample, to_reduce()), "min.reduction_no_dim": lambda: map(sample, to_reduce()),
    "max.reduction_with_dim": along, "min.reduction_with_dim": along,
    "var": spreads, "std": spreads, "logsumexp": logsumexps, "linalg.vector_norm": lambda: norms(True),
    "norm": lambda: norms(False), "cumsum": along, "softmax": softmaxes, "log_softmax": softmaxes,
    "nn.functional.softmin": softmaxes, "sort": sorts, "argsort": sorts, "topk": best,
    "clamp": clamps, "lerp": interpolations, "where": choices,
    "masked_fill": lambda: [sample(leaf([nan, 1.0, inf]), torch.tensor([True, False, True]), x)
                            for x in (nan, inf, -inf, 0.0)],
    "matmul": products, "einsum": equations,
    "nn.functional.layer_norm": layer_norms, "nn.functional.rms_norm": rms_norms,
    "nn.functional.cross_entropy": cross_entropies, "nn.functional.kl_div": divergences,
    "nn.functional.binary_cross_entropy_with_logits": binary_entropies, "nn.functional.huber_loss": distances,
    "nn.functional.l1_loss": distances, "nn.functional.mse_loss": distances,
    "nn.functional.cosine_similarity": lambda: [sample(leaf([[0.1, -0.2, 0.15], [1.0, 2.0, 3.0]]),
                                                       leaf([[1.0, 2.0, 0.5], [-1.0, 0.0, 1.0]]), eps=0.5)],
    "cat": joins, "gather": gathers, "scatter_add": scatters,
}


def samples(label):
    """Those of the operation, or of its variant, of this name."""
    maker = MAKERS.get(label)
    return maker() if maker else ()
