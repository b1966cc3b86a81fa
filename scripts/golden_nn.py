#!/usr/bin/env python3
"""Writes tests/golden/nn.safetensors: layers of PyTorch, in float64."""
import torch

from golden_module import Golden

golden = Golden("nn")
case = golden.case


def attend(module, query, key, value):
    blocked = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).triu(1)
    return module(query, key, value, attn_mask=blocked, average_attn_weights=False)


torch.manual_seed(0)
case("linear", torch.nn.Linear(3, 4), {"x": torch.randn(2, 5, 3)}, lambda m, x: m(x))
case("layer_norm", torch.nn.LayerNorm(6), {"x": torch.randn(2, 3, 6)}, lambda m, x: m(x))
case("rms_norm", torch.nn.RMSNorm(6), {"x": torch.randn(2, 3, 6)}, lambda m, x: m(x))
case("self", torch.nn.MultiheadAttention(8, 2, batch_first=True), {"x": torch.randn(2, 5, 8)},
     lambda m, x: attend(m, x, x, x), ("y", "weights"))
case("cross", torch.nn.MultiheadAttention(8, 4, kdim=6, vdim=3, batch_first=True),
     {"query": torch.randn(2, 4, 8), "key": torch.randn(2, 5, 6), "value": torch.randn(2, 5, 3)},
     attend, ("y", "weights"))
case("packed_cross", torch.nn.MultiheadAttention(8, 2, bias=False, batch_first=True),
     {"query": torch.randn(2, 4, 8), "key": torch.randn(2, 5, 8), "value": torch.randn(2, 5, 8)},
     attend, ("y", "weights"))
case("layer_norm_2d", torch.nn.LayerNorm((2, 3), eps=1e-3), {"x": torch.randn(4, 2, 3)}, lambda m, x: m(x))
case("layer_norm_unbiased", torch.nn.LayerNorm(6, bias=False), {"x": torch.randn(2, 6)}, lambda m, x: m(x))
case("rms_norm_2d", torch.nn.RMSNorm((2, 3), eps=1e-3), {"x": torch.randn(4, 2, 3)}, lambda m, x: m(x))

golden.save()
