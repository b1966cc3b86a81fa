#!/usr/bin/env python3
"""Writes tests/golden/nn.safetensors: layers of PyTorch and GPT-2 of transformers, in float64.

Names are CASE/param/NAME, CASE/in/NAME, CASE/out/NAME and CASE/grad/NAME, the gradient of a
parameter or input for the cotangent CASE/in/cotangent.
"""
import pathlib

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

torch.set_default_dtype(torch.float64)
tensors = {}


def put(name, tensor):
    tensors[name] = tensor.detach().clone().contiguous()


def case(name, module, inputs, call, outputs=("y",), rename=lambda n, t: (n, t)):
    """Records one forward and backward of a module whose parameters are drawn anew."""
    for key, param in module.named_parameters():
        with torch.no_grad():
            param.normal_(0, 0.3)
    for key, x in inputs.items():
        if x.is_floating_point():
            x.requires_grad_()
        put(f"{name}/in/{key}", x)
    results = call(module, **inputs)
    results = results if isinstance(results, tuple) else (results,)
    cotangent = torch.randn_like(results[0])
    put(f"{name}/in/cotangent", cotangent)
    results[0].backward(cotangent)
    for key, result in zip(outputs, results):
        put(f"{name}/out/{key}", result)
    for key, param in module.named_parameters():
        put("{}/param/{}".format(name, rename(key, param)[0]), rename(key, param)[1])
        put("{}/grad/{}".format(name, rename(key, param)[0]), rename(key, param.grad)[1])
    for key, x in inputs.items():
        if x.is_floating_point():
            put(f"{name}/grad/{key}", x.grad)


def attend(module, query, key, value):
    blocked = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).triu(1)
    return module(query, key, value, attn_mask=blocked, average_attn_weights=False)


def gpt_name(name, tensor):
    """Our name for a GPT-2 parameter; its Conv1D weights are [in, out]."""
    linear = name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))
    return name.removeprefix("transformer."), tensor.T if linear else tensor


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
config = GPT2Config(vocab_size=11, n_positions=7, n_embd=8, n_layer=2, n_head=2, resid_pdrop=0,
                    embd_pdrop=0, attn_pdrop=0, attn_implementation="eager")
case("gpt", GPT2LMHeadModel(config).double(), {"tokens": torch.randint(0, 11, (2, 6))},
     lambda m, tokens: (lambda r: (r.logits, *r.attentions))(m(tokens, output_attentions=True)),
     ("y", "weights.0", "weights.1"), gpt_name)

path = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/nn.safetensors"
save_file(tensors, path)
print(f"{path}: {len(tensors)} tensors")
