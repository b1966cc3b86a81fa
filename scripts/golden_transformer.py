#!/usr/bin/env python3
"""Writes tests/golden/transformer.safetensors: PyTorch's attention and Transformer layers, in float64.

Sequences of 3: targets of 5 tokens, of which 5, 2 and 4 count, and memories of 4, of which 3, 4 and 1 count.
"""
import torch
import torch.nn.functional as F
from torch import nn

from golden_module import Golden

B, T, M, D, HEADS, INNER = 3, 5, 4, 4, 2, 3
OPTIONS = dict(d_model=D, nhead=HEADS, dim_feedforward=INNER, dropout=0.0, batch_first=True)
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu}


def padding(lengths, size):
    """True where there is no token, as PyTorch has it."""
    return torch.arange(size) >= torch.tensor(lengths)[:, None]


causal = torch.ones(T, T, dtype=torch.bool).triu(1)
padded = padding([5, 2, 4], T)
memory_padded = padding([3, 4, 1], M)


def keeping_weights(attention, kept):
    """Makes a MultiheadAttention inside a layer store the weights of its heads in `kept`."""
    forward = attention.forward

    def call(*args, **kwargs):
        result = forward(*args, **{**kwargs, "need_weights": True, "average_attn_weights": False})
        kept.append(result[1])
        return result

    attention.forward = call


def attention_cases(golden):
    def attend(m, query, key, value, **kwargs):
        y, weights = m(query, key, value, average_attn_weights=False, **kwargs)
        return y, weights, weights.mean(-3)

    outputs = ("y", "weights", "average")
    inputs = lambda: {"query": torch.randn(B, T, D), "key": torch.randn(B, M, 3), "value": torch.randn(B, M, 4)}
    for name, options in {"separate": {}, "no_bias": {"bias": False}, "bias_kv": {"add_bias_kv": True},
                          "zero_attn": {"add_zero_attn": True},
                          "more_keys": {"add_bias_kv": True, "add_zero_attn": True}}.items():
        module = nn.MultiheadAttention(D, HEADS, kdim=3, vdim=4, batch_first=True, **options)
        golden.case(name, module, inputs(),
                    lambda m, query, key, value: attend(m, query, key, value, key_padding_mask=memory_padded), outputs)
    golden.case("added_scores", nn.MultiheadAttention(D, HEADS, add_bias_kv=True, batch_first=True),
                {"x": torch.randn(B, T, D), "scores": torch.randn(T, T)},
                lambda m, x, scores: attend(m, x, x, x, attn_mask=scores), outputs)
    golden.case("shared_memory", nn.MultiheadAttention(D, HEADS, batch_first=True),
                {"query": torch.randn(B, T, D), "memory": torch.randn(B, M, D)},
                lambda m, query, memory: attend(m, query, memory, memory, key_padding_mask=memory_padded), outputs)
    golden.case("unbatched", nn.MultiheadAttention(D, HEADS, batch_first=True), {"x": torch.randn(T, D)},
                lambda m, x: attend(m, x, x, x, attn_mask=causal), outputs)


def layer_cases(golden):
    def encode(m, src):
        return m(src, src_mask=causal, src_key_padding_mask=padded)

    def decode(m, tgt, memory):
        kept = []
        keeping_weights(m.self_attn, kept)
        keeping_weights(m.multihead_attn, kept)
        y = m(tgt, memory, tgt_mask=causal, tgt_key_padding_mask=padded, memory_key_padding_mask=memory_padded)
        return y, *kept

    for norm_first in (False, True):
        order = "pre" if norm_first else "post"
        for name, activation in ACTIVATIONS.items():
            options = {**OPTIONS, "norm_first": norm_first, "activation": activation, "layer_norm_eps": 1e-3}
            golden.case(f"encoder_layer_{order}_{name}", nn.TransformerEncoderLayer(**options),
                        {"src": torch.randn(B, T, D)}, encode)
            golden.case(f"decoder_layer_{order}_{name}", nn.TransformerDecoderLayer(**options),
                        {"tgt": torch.randn(B, T, D), "memory": torch.randn(B, M, D)}, decode, ("y", "self", "cross"))
        golden.case(f"encoder_layer_{order}_no_bias",
                    nn.TransformerEncoderLayer(**OPTIONS, norm_first=norm_first, bias=False),
                    {"src": torch.randn(B, T, D)}, encode)


def stack_cases(golden):
    def transform(m, src, tgt):
        return m(src, tgt, tgt_mask=causal, src_key_padding_mask=memory_padded, tgt_key_padding_mask=padded,
                 memory_key_padding_mask=memory_padded)

    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**OPTIONS), 2, enable_nested_tensor=False)
    golden.case("encoder", encoder, {"src": torch.randn(B, T, D)},
                lambda m, src: m(src, mask=causal, src_key_padding_mask=padded))
    for norm_first in (False, True):
        module = nn.Transformer(num_encoder_layers=2, num_decoder_layers=2, norm_first=norm_first, **OPTIONS)
        golden.case("transformer_pre" if norm_first else "transformer_post", module,
                    {"src": torch.randn(B, M, D), "tgt": torch.randn(B, T, D)}, transform)


torch.manual_seed(0)
golden = Golden("transformer")
attention_cases(golden)
layer_cases(golden)
stack_cases(golden)
golden.save()
