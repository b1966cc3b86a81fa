"""Normalization, losses and attention, for make_golden.py."""

import math

import torch
import torch.nn.functional as F

from .family import Family, away, booleans, distinct, integers, normal, uniform


def normalization():
    f = Family()
    for op in ["softmax", "log_softmax"]:
        for shape, d in [((3, 4), -1), ((3, 4), 0), ((2, 3, 5), 1), ((1, 1), -1), ((0, 3), -1), ((2, 37), 1)]:
            f.case(op, f"{op}(x, {d}), {list(shape)}", [normal(*shape, scale=2)],
                   lambda x, op=op, d=d: getattr(torch, op)(x, d))
    f.case("softmin", "softmin(x, 0)", [normal(3, 4)], lambda x: F.softmin(x, 0))
    f.case("normalize", "normalize(x)", [normal(3, 4)], F.normalize)
    f.case("normalize", "normalize(x, 1, 0)", [away(3, 4)], lambda x: F.normalize(x, 1, 0))
    f.case("cosine_similarity", "cosine_similarity(a, b)", [normal(3, 4), normal(3, 4)], F.cosine_similarity)
    f.case("cosine_similarity", "cosine_similarity(a, b, -1), b [4]", [normal(3, 4), normal(4)],
           lambda a, b: F.cosine_similarity(a, b, -1))
    f.case("pairwise_distance", "pairwise_distance(a, b)", [normal(3, 4), normal(3, 4)], F.pairwise_distance)
    f.case("pairwise_distance", "pairwise_distance(a, b, 3, keepdim)", [normal(3, 4), normal(4)],
           lambda a, b: F.pairwise_distance(a, b, 3, keepdim=True))
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
        for op in ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"]:
            both = distinct(2, 3, 4)
            f.case(op, f"reduction {reduction}", [both[0], (both[1] + 0.01).float().double()],
                   lambda x, t, op=op, r=reduction: getattr(F, op)(x, t, reduction=r))
        f.case("binary_cross_entropy_with_logits", f"reduction {reduction}", [normal(3, 4, scale=3), uniform(0, 1, 3, 4)],
               lambda x, t, r=reduction: F.binary_cross_entropy_with_logits(x, t, reduction=r))
        probabilities = uniform(0.1, 1, 3, 4)
        f.case("kl_div", f"reduction {reduction}", [normal(3, 4), probabilities],
               lambda x, t, r=reduction: F.kl_div(x, t, reduction=r))
    f.case("smooth_l1_loss", "beta 0.5", [distinct(3, 4), (distinct(3, 4) + 0.01).float().double()],
           lambda x, t: F.smooth_l1_loss(x, t, beta=0.5))
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
    for reduction in ["mean", "sum", "none"]:
        f.case("linear_cross_entropy", f"target in2, reduction {reduction}", [normal(5, 3), normal(4, 3), target],
               lambda h, w, t, r=reduction: F.cross_entropy(F.linear(h, w), t, reduction=r))
        f.case("linear_cross_entropy", f"bias in3, two targets ignored, label_smoothing 0.1, reduction {reduction}",
               [normal(5, 3), normal(4, 3), ignored, normal(4)],
               lambda h, w, t, b, r=reduction: F.cross_entropy(F.linear(h, w, b), t, reduction=r, label_smoothing=0.1))
        f.case("linear_cross_entropy", f"hidden [2, 3, 3], ignore_index 7, reduction {reduction}",
               [normal(2, 3, 3), normal(4, 3), torch.tensor([[0, 7, 2], [3, 1, 7]])],
               lambda h, w, t, r=reduction: F.cross_entropy(
                   F.linear(h, w).transpose(1, 2), t, ignore_index=7, reduction=r))
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
    qk = lambda: [normal(2, 2, 5, 4), normal(2, 2, 6, 4)]
    scores = lambda q, k: q @ k.mT / 2
    f.case("attention_weights", "", qk(), lambda q, k: scores(q, k).softmax(-1))
    f.case("attention_weights", "keep mask, in2", qk() + [booleans(2, 1, 5, 6) | torch.eye(5, 6, dtype=torch.bool)],
           lambda q, k, m: scores(q, k).masked_fill(~m, -math.inf).softmax(-1))
    f.case("attention_weights", "bias mask, in2", qk() + [normal(2, 5, 6)],
           lambda q, k, m: (scores(q, k) + m).softmax(-1))
    f.case("attention_weights", "grouped heads", [normal(4, 5, 4), normal(2, 6, 4)],
           lambda q, k: scores(q, k.repeat_interleave(2, 0)).softmax(-1))
    return f
