"""PyTorch's samples of the modules that attune has (its module_db), and more of them, as samples of operations: what the
constructor takes, what forward takes, and `state`, the parameters by name, are the arguments by name."""
import inspect
import itertools

import torch
from torch import nn
from torch.nn import functional as F
from torch.testing._internal.common_modules import module_db
from torch.testing._internal.opinfo.core import SampleInput

from signatures import SIGNATURES, NotOffered, Signature


ACTIVATIONS = {F.relu: "relu", F.gelu: "gelu", "relu": "relu", "gelu": "gelu"}


def of_layers(values):
    """The options of a layer as one argument. In eval mode dropout does nothing; is_causal says of a mask what it is."""
    if values["activation"] not in ACTIVATIONS:
        raise NotOffered("another activation")
    values["activation"] = ACTIVATIONS[values["activation"]]
    values["layer"] = [values.pop(name) for name in ("d_model", "nhead", "dim_feedforward", "activation",
                                                     "layer_norm_eps", "norm_first", "bias", "batch_first")]
    for name in [name for name in values if name == "dropout" or name.endswith("is_causal")]:
        del values[name]


def attending(values):
    del values["dropout"], values["is_causal"]


def of_one_matrix(values):
    """How PyTorch divides the rows into chunks changes no result."""
    if values["target"].is_floating_point():
        raise NotOffered("probabilities of classes")
    if values["ignore_index"] is None:
        values["ignore_index"] = -100
    del values["options"]


def module(constructor="", forward="", *calls, prepare=None):
    def by_name(values):
        values["state"] = [[name, value] for name, value in values["state"].items()]
        if prepare:
            prepare(values)
    parameters = ", ".join(each for each in ("*, state", constructor, forward) if each)
    return Signature(parameters, *calls, prepare=by_name)


LAYER = ("d_model, nhead, dim_feedforward=2048, dropout=0.1, activation='relu', layer_norm_eps=1e-5, batch_first=False, "
         "norm_first=False, bias=True")
DECODED = ("tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=None, "
           "memory_is_causal=None")
DECODER = "input, state, memory, tgt_mask, tgt_key_padding_mask, memory_mask, memory_key_padding_mask"

MODULES = {
    "Linear": module("in_features, out_features, bias=True", "", "Linear(input, state, in_features, out_features, bias)"),
    "LayerNorm": module("normalized_shape, eps=1e-5, elementwise_affine=True, bias=True", "",
                        "LayerNorm(input, state, normalized_shape, eps, elementwise_affine, bias)"),
    "RMSNorm": module("normalized_shape, eps=None, elementwise_affine=True", "",
                      "RMSNorm(input, state, normalized_shape, eps, elementwise_affine)"),
    "Embedding": module("num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, "
                        "scale_grad_by_freq=False, sparse=False", "",
                        "Embedding(input, state, num_embeddings, embedding_dim, padding_idx)"),
    "Dropout": module("p=0.5, inplace=False", "", "Dropout(input, state, p)"),
    "Identity": module("", "", "Identity(input, state)"),
    "Flatten": module("start_dim=1, end_dim=-1", "", "Flatten(input, state, start_dim, end_dim)"),
    **{name: module("inplace=False", "", f"{name}(input, state)") for name in ("ReLU", "SiLU", "Sigmoid", "Tanh")},
    "LeakyReLU": module("negative_slope=0.01, inplace=False", "", "LeakyReLU(input, state, negative_slope)"),
    "ELU": module("alpha=1.0, inplace=False", "", "ELU(input, state, alpha)"),
    "GELU": module("approximate='none'", "", "GELU(input, state, approximate)"),
    "Softplus": module("beta=1.0, threshold=20.0", "", "Softplus(input, state, beta, threshold)"),
    "Softmax": module("dim=None", "", "Softmax(input, state, dim)"),
    "LogSoftmax": module("dim=None", "", "LogSoftmax(input, state, dim)"),
    "LinearCrossEntropyLoss": module(
        "in_features, num_classes, out_features=(), bias=False, reduction='mean', weight=None, ignore_index=None, "
        "label_smoothing=0.0, options=None", "target",
        "LinearCrossEntropyLoss(input, state, target, in_features, num_classes, bias, reduction, ignore_index, "
        "label_smoothing)", prepare=of_one_matrix),
    "MultiheadAttention": module(
        "embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, "
        "batch_first=False", "key, value, key_padding_mask=None, need_weights=True, attn_mask=None, "
        "average_attn_weights=True, is_causal=False",
        "MultiheadAttention(input, state, key, value, embed_dim, num_heads, bias, add_bias_kv, add_zero_attn, kdim, vdim, "
        "batch_first, attn_mask, key_padding_mask, need_weights, average_attn_weights)", prepare=attending),
    "TransformerEncoderLayer": module(
        LAYER, "src_mask=None, src_key_padding_mask=None, is_causal=None",
        "TransformerEncoderLayer(input, state, src_mask, src_key_padding_mask, layer)", prepare=of_layers),
    "TransformerEncoder": module(
        f"{LAYER}, num_layers, normed", "mask=None, src_key_padding_mask=None, is_causal=None",
        "TransformerEncoder(input, state, mask, src_key_padding_mask, layer, num_layers, normed)", prepare=of_layers),
    "TransformerDecoderLayer": module(
        LAYER, f"memory, {DECODED}", f"TransformerDecoderLayer({DECODER}, layer)", prepare=of_layers),
    "TransformerDecoder": module(
        f"{LAYER}, num_layers, normed", f"memory, {DECODED}",
        f"TransformerDecoder({DECODER}, layer, num_layers, normed)", prepare=of_layers),
    "Transformer": module(
        f"{LAYER}, num_encoder_layers=6, num_decoder_layers=6", "tgt, src_mask=None, src_key_padding_mask=None, "
        f"src_is_causal=None, {DECODED}",
        "Transformer(input, state, tgt, src_mask, src_key_padding_mask, tgt_mask, tgt_key_padding_mask, memory_mask, "
        "memory_key_padding_mask, layer, num_encoder_layers, num_decoder_layers)", prepare=of_layers),
}

# What is a function of attune, and no module.
FUNCTIONS = {"Mish": "mish", "ReLU6": "relu6", "Hardtanh": "hardtanh", "LogSigmoid": "logsigmoid", "Softmin": "softmin",
             "MSELoss": "mse_loss", "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss",
             "KLDivLoss": "kl_div", "NLLLoss": "nll_loss", "CrossEntropyLoss": "cross_entropy",
             "BCEWithLogitsLoss": "binary_cross_entropy_with_logits"}


def stack(layer, whole):
    """Makes a stack of layers."""
    def make(num_layers, normed, d_model, layer_norm_eps=1e-5, bias=True, **options):
        norm = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias) if normed else None
        return whole(layer(d_model, layer_norm_eps=layer_norm_eps, bias=bias, **options), num_layers, norm)
    return make


MAKERS = {"TransformerEncoder": stack(nn.TransformerEncoderLayer, nn.TransformerEncoder),
          "TransformerDecoder": stack(nn.TransformerDecoderLayer, nn.TransformerDecoder)}


class Module:
    """A module as sample.py wants an operation."""

    def __init__(self, name):
        self._class = getattr(nn, name)
        self._make = MAKERS.get(name, self._class)
        self._forward = list(inspect.signature(self._class.forward).parameters)[1:]
        self.name, self.op = name, self._call

    def _split(self, options):
        forward = {name: value for name, value in options.items() if name in self._forward}
        return {name: value for name, value in options.items() if name not in forward}, forward

    def _call(self, input, *, state, **options):
        constructor, forward = self._split(options)
        made = self._make(**constructor).eval()
        return torch.func.functional_call(made, state, (input,), forward)

    def sample(self, constructor, inputs, options):
        """From the arguments of the constructor, by name, and those of forward."""
        made = self._make(**constructor)
        for value in made.parameters():
            with torch.no_grad():  # biases start at zero, and scales at one
                value.add_(0.1 * torch.randn(value.shape))
        state = {name: value.detach().requires_grad_() for name, value in made.named_parameters()}
        given = dict(zip(self._forward, inputs)) | options
        return SampleInput(given.pop(self._forward[0]), kwargs={**constructor, **given, "state": state})

    def samples(self, info):
        """Those of PyTorch, and those below."""
        for entry in drawn(info) if info else []:
            arguments = entry.constructor_input
            if self.name == "TransformerEncoder":
                constructor = options_of(*arguments.args)
            else:
                constructor = inspect.signature(self._class).bind(*arguments.args, **arguments.kwargs).arguments
            placed = {name: value for name, value in constructor.items() if name not in ("device", "dtype")}
            yield self.sample(placed, entry.forward_input.args, entry.forward_input.kwargs)
        for constructor, inputs, options in more(self.name):
            yield self.sample(constructor, inputs, options)


def drawn(info):
    """PyTorch's samples in both modes, which differ."""
    return [entry for training in (False, True) for entry in
            info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=training)]


def options_of(layer, num_layers):
    return {"d_model": layer.linear1.in_features, "nhead": layer.self_attn.num_heads,
            "dim_feedforward": layer.linear1.out_features, "activation": layer.activation,
            "batch_first": layer.self_attn.batch_first, "norm_first": layer.norm_first,
            "bias": layer.linear1.bias is not None, "num_layers": num_layers, "normed": False}


def numbers(*shape):
    return torch.randn(shape).requires_grad_()


def hidden(*shape):
    """A mask that leaves every query a key."""
    mask = torch.rand(shape) < 0.4
    mask[..., 0] = False
    return mask


def more(name):
    """(arguments of the constructor, inputs, options of forward): what module_db leaves out."""
    if name == "Linear":
        yield {"in_features": 70, "out_features": 90}, [numbers(2, 33, 70)], {}
        yield {"in_features": 4, "out_features": 3}, [numbers(2, 0, 4)], {}
    if name in ("LayerNorm", "RMSNorm"):
        yield {"normalized_shape": 200}, [numbers(3, 17, 200)], {}
        yield {"normalized_shape": [1]}, [numbers(4, 1)], {}
        yield {"normalized_shape": (3, 40), "eps": 1e-2}, [numbers(5, 3, 40)], {}
    if name == "Embedding":
        for padding in (0, 3, -1, -5):
            yield ({"num_embeddings": 5, "embedding_dim": 7, "padding_idx": padding}, [torch.randint(5, (4, 6))], {})
        yield {"num_embeddings": 5, "embedding_dim": 7}, [torch.tensor(2)], {}
        yield {"num_embeddings": 5, "embedding_dim": 7}, [torch.zeros(0, 2, dtype=torch.int64)], {}
    if name == "Dropout":
        for p in (0.0, 0.3, 1.0):
            yield {"p": p}, [numbers(3, 5)], {}
    if name == "Identity":
        yield {}, [numbers(3, 5)], {}
    if name == "Flatten":
        for start, end in ((1, -1), (0, -1), (-3, 2)):
            yield {"start_dim": start, "end_dim": end}, [numbers(2, 3, 4, 5)], {}
        yield {}, [numbers(2, 0, 3)], {}
    if name == "LinearCrossEntropyLoss":
        yield from more_losses()
    if name == "MultiheadAttention":
        yield from more_attention()
    if name.startswith("Transformer"):
        yield from more_layers(name)


def more_losses():
    """With a bias, and of more rows and classes than are multiplied at a time."""
    for reduction, ignored, smoothing in itertools.product(("mean", "sum", "none"), (None, 3), (0.0, 0.1)):
        for rows, features, classes in ((1, 3, 5), (200, 20, 37), (70, 9, 300)):
            target = torch.randint(classes, (rows,))
            target[1::3] = -100 if ignored is None else ignored
            target[0] = 0
            yield ({"in_features": features, "num_classes": classes, "bias": rows != 70, "reduction": reduction,
                    "ignore_index": ignored, "label_smoothing": smoothing}, [numbers(rows, features), target], {})


def more_attention():
    for first in (False, True):
        lay = (lambda x: x) if first else (lambda x: x.transpose(0, 1).contiguous().detach().requires_grad_())
        for add in (False, True):
            options = {"embed_dim": 24, "num_heads": 4, "batch_first": first, "add_bias_kv": add, "add_zero_attn": add}
            x, key, value = lay(numbers(3, 7, 24)), lay(numbers(3, 9, 24)), lay(numbers(3, 9, 24))
            yield options, [x, x, x], {"average_attn_weights": False}
            yield options, [x, key, key], {"need_weights": False, "attn_mask": hidden(7, 9)}
            yield options, [x, key, value], {"key_padding_mask": hidden(3, 9), "attn_mask": hidden(12, 7, 9)}
            yield options, [x, key, value], {"attn_mask": torch.randn(7, 9), "average_attn_weights": False}
            yield options, [x, key, value], {"attn_mask": torch.randn(12, 7, 9), "key_padding_mask": torch.randn(3, 9)}
        narrow = {"embed_dim": 24, "num_heads": 3, "batch_first": first, "kdim": 5, "vdim": 11}
        yield narrow, [x, lay(numbers(3, 9, 5)), lay(numbers(3, 9, 11))], {"key_padding_mask": hidden(3, 9)}
        yield ({**narrow, "bias": False}, [x, lay(numbers(3, 9, 5)), lay(numbers(3, 9, 11))],
               {"need_weights": False})


def more_layers(name):
    causal = torch.ones(9, 9).triu(1).bool()
    for norm_first in (False, True):
        layer = {"d_model": 24, "nhead": 3, "dim_feedforward": 40, "norm_first": norm_first, "batch_first": True,
                 "activation": F.gelu if norm_first else F.relu, "layer_norm_eps": 1e-3 if norm_first else 1e-5}
        src, tgt = numbers(2, 11, 24), numbers(2, 9, 24)
        padding, own = hidden(2, 11), {"tgt_mask": causal, "tgt_key_padding_mask": hidden(2, 9)}
        if name.startswith("TransformerEncoder"):
            stacked = {} if name.endswith("Layer") else {"num_layers": 2, "normed": norm_first}
            mask = "src_mask" if name.endswith("Layer") else "mask"
            yield layer | stacked, [src], {"src_key_padding_mask": padding, mask: hidden(11, 11)}
            yield layer | stacked, [src], {mask: torch.randn(6, 11, 11)}
        elif name.startswith("TransformerDecoder"):
            stacked = {} if name.endswith("Layer") else {"num_layers": 2, "normed": norm_first}
            yield layer | stacked, [tgt, src], {**own, "memory_mask": hidden(9, 11), "memory_key_padding_mask": padding}
            yield layer | stacked, [tgt, src], {"tgt_mask": nn.Transformer.generate_square_subsequent_mask(9)}
        else:
            layers = {"num_encoder_layers": 2, "num_decoder_layers": 1}
            yield layer | layers, [src, tgt], {**own, "src_key_padding_mask": padding, "memory_key_padding_mask": padding}


class Function:
    """A module that is a function here."""

    def __init__(self, name):
        self._class = getattr(nn, name)
        self.name, self.op = f"nn.functional.{FUNCTIONS[name]}", getattr(F, FUNCTIONS[name])

    def samples(self, info):
        for entry in drawn(info):
            arguments = entry.constructor_input
            constructor = inspect.signature(self._class).bind(*arguments.args, **arguments.kwargs).arguments
            inputs = [*entry.forward_input.args, *entry.forward_input.kwargs.values()]
            yield SampleInput(inputs[0], args=tuple(inputs[1:]), kwargs=dict(constructor))


def operations():
    """(label, operation, signature, its samples, drawn anew in each call)."""
    infos = {info.name: info for info in module_db}
    for name, signature in MODULES.items():
        made = Module(name)
        yield f"nn.{name}", made, signature, lambda made=made, name=name: made.samples(infos.get(f"nn.{name}"))
    for name, function in FUNCTIONS.items():
        made = Function(name)
        yield (f"nn.{name}", made, SIGNATURES[f"nn.functional.{function}"],
               lambda made=made, name=name: made.samples(infos[f"nn.{name}"]))
