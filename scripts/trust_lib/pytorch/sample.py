#!/usr/bin/env python3
"""Writes what PyTorch says of its own samples of the operations that attune has.

    sample.py FOLDER SEED PART PARTS     (needs torch and safetensors)

FOLDER gets a safetensors file for each operation, module, optimizer and scheduler; its metadata name the samples, each
with the call of attune that means the same. They are dealt to PARTS processes, of which this is number PART. The samples
are those that PyTorch tests itself with (its op_db, module_db and optim_db), those of extremes.py, modules.py and
schedulers.py, and each again with inputs that are expanded. Another SEED draws other numbers.

Of each sample there are the results and the gradients in float64; PyTorch's own in float32; and where PyTorch says
something else when asked the same in another way (see `otherwise`), that too.
"""
import json
import math
import random
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import torch
from safetensors.torch import save_file
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_utils import set_rng_seed
from torch.testing._internal.opinfo.core import SampleInput

import extremes
import modules
import optimizers
import schedulers
from signatures import SIGNATURES, NotOffered

DTYPES = {torch.float32: "float32", torch.float64: "float64", torch.bfloat16: "bfloat16", torch.int64: "int64",
          torch.bool: "bool"}
MOST_ELEMENTS = 20_000
MOST_SAMPLES = 300  # of one operation and dtype
MOST_DIMENSIONS = 12
REFUSALS = RuntimeError, IndexError, ValueError, TypeError  # of PyTorch


def map_tensors(change, x):
    if isinstance(x, torch.Tensor):
        return change(x)
    if isinstance(x, (list, tuple)) and not isinstance(x, torch.Size):
        return type(x)(map_tensors(change, each) for each in x)
    if isinstance(x, dict):
        return {key: map_tensors(change, value) for key, value in x.items()}
    return x


def tensors_in(x):
    found = []
    map_tensors(lambda tensor: found.append(tensor) or tensor, x)
    return found


def parts(sample):
    return [sample.input, list(sample.args), dict(sample.kwargs)]


class Changed:
    """A sample whose tensors are replaced, each by one other tensor; those by floating leaves."""

    def __init__(self, sample, change):
        self._leaves = {}

        def leaf(x):
            if id(x) not in self._leaves:
                y = change(x.detach())
                self._leaves[id(x)] = x, y.requires_grad_(x.requires_grad and y.is_floating_point())
            return self._leaves[id(x)][1]

        self.sample = SampleInput(
            map_tensors(leaf, sample.input), args=map_tensors(leaf, tuple(sample.args)),
            kwargs=map_tensors(leaf, dict(sample.kwargs)))

    def __getitem__(self, x):
        return self._leaves[id(x)][1]


def copied(x, floating):
    """With the strides that x has; in this dtype if it is floating."""
    single = x
    for dim in range(x.dim()):
        if x.stride(dim) == 0 and x.size(dim) > 1:
            single = single.narrow(dim, 0, 1)
    dtype = floating if x.is_floating_point() else x.dtype
    try:
        copy = torch.empty_strided(single.shape, single.stride(), dtype=dtype).copy_(single)
    except RuntimeError:  # it overlaps itself in other ways
        return x.to(dtype, copy=True)
    return copy.expand(x.shape)


def strided(x):
    """The same in every other element of larger memory, where PyTorch's vector loops do not go."""
    return torch.stack([x, x], -1)[..., 0] if x.is_floating_point() else x


def expanded(x):
    """The first of several elements, as often, along the first dimension that has several."""
    for dim, size in enumerate(x.shape):
        if size > 1:
            return x.narrow(dim, 0, 1).clone().expand(x.shape)
    return x


def call(function, sample):
    return tensors_in(function(sample.input, *sample.args, **sample.kwargs))


def otherwise(name, function):
    """Another way to ask PyTorch for the same, beside strided inputs: a function, or None. Over named dimensions; by
    sorting; in the midst of elements enough for its vector loops."""
    if name in ("var", "std"):
        return lambda x, dim=None, **options: function(
            torch.atleast_1d(x), dim=tuple(range(max(x.dim(), 1))) if dim is None else dim, **options)
    if name == "prod":
        return lambda x, dim=None, **options: function(x.flatten(), 0) if dim is None else function(x, dim, **options)
    if name == "topk":
        return best_of_sorted
    if name in ("nn.functional.elu", "nn.functional.hardtanh", "nn.functional.relu6"):
        return lambda x, **options: function(x.expand(64, *x.shape).contiguous(), **options)[0]
    return None


def best_of_sorted(x, k, dim=-1, largest=True, sorted=True):
    values, indices = torch.sort(x, dim=dim, descending=largest, stable=True)
    return (values.narrow(dim, 0, k), indices.narrow(dim, 0, k)) if x.dim() else (values, indices)


def prepared(name, sample):
    """Equal elements have one right order only if sorting is stable."""
    if name in ("sort", "argsort"):
        sample.kwargs = {**sample.kwargs, "stable": True}
    return sample


def differ(a, b):
    return a.shape == b.shape and not torch.allclose(a.double(), b.double(), rtol=1e-7, atol=1e-7, equal_nan=True)


class Answers:
    """What PyTorch says of one sample: the results, and the gradients of the tensors that need one."""

    def __init__(self, function, sample, wanted, cotangents=None):
        self.results = call(function, sample)
        if not self.results or any(y.is_complex() for y in self.results):
            raise NotOffered("no real results")
        self.cotangents, self.gradients = {}, {}
        traced = {i: y for i, y in enumerate(self.results) if y.requires_grad}
        if not traced or not wanted:
            return
        self.cotangents = {i: draw_like(y) if cotangents is None else cotangents[i].to(y.dtype)
                           for i, y in traced.items()}
        gradients = torch.autograd.grad(list(traced.values()), wanted, list(self.cotangents.values()), allow_unused=True)
        self.gradients = {i: torch.zeros_like(x) if g is None else g for i, (x, g) in enumerate(zip(wanted, gradients))}

    def named(self, key, leaves):
        """{name: tensor}; leaves: the names of the tensors that need a gradient."""
        return {**{f"{key}/out{i}": y for i, y in enumerate(self.results)},
                **{f"{leaves[i]}/gradient": g for i, g in self.gradients.items()}}


def draw_like(x):
    """Normal numbers that float32 has."""
    return torch.randn(x.shape, dtype=torch.float32).to(x.dtype)


class File:
    """The samples of one operation."""

    def __init__(self, label):
        self._label = label
        self._samples, self._tensors, self.not_offered = [], {}, 0

    def __len__(self):
        return len(self._samples)

    def add(self, op, signature, sample):
        try:
            self._add(op, signature, sample)
        except NotOffered:
            self.not_offered += 1

    def _add(self, op, signature, sample):
        key = str(len(self._samples))
        double = Changed(sample, lambda x: copied(x, torch.float64))
        names = {}
        function, arguments = signature.translate(op.name, double.sample)
        encoded = [encode(x, key, names) for x in arguments]
        wanted = [x for x, _ in names.values() if x.requires_grad]
        leaves = [name for x, name in names.values() if x.requires_grad]
        try:
            answers = Answers(op.op, double.sample, wanted)
        except REFUSALS:
            return
        tensors = {name: x for x, name in names.values()}
        tensors.update(answers.named(key, leaves))
        tensors.update({f"{key}/cotangent{i}": c for i, c in answers.cotangents.items()})
        self._tensors.update(tensors)
        self._samples.append({
            "operation": self._label, "function": function, "key": key, "arguments": encoded,
            "outputs": len(answers.results), "any_layout": function != "view", "description": describe(sample)})
        self._add_others(op, sample, double, answers, key, leaves, wanted)

    def _add_others(self, op, sample, double, answers, key, leaves, wanted):
        originals = {id(double[x]): x for x in tensors_in(parts(sample))}
        ways = [("float32", op.op, Changed(sample, lambda x: copied(x, torch.float32))),
                ("strided", op.op, Changed(sample, lambda x: strided(copied(x, torch.float64)))),
                ("otherwise", otherwise(op.name, op.op), Changed(sample, lambda x: copied(x, torch.float64)))]
        for suffix, function, changed in ways:
            if function is None:
                continue
            try:
                inputs = [changed[originals[id(x)]] for x in wanted]
                other = Answers(function, changed.sample, inputs, answers.cotangents)
            except REFUSALS:
                continue
            for name, tensor in other.named(key, leaves).items():
                if suffix == "float32" or differ(tensor, self._tensors[name]):
                    self._tensors[f"{name}/{suffix}"] = tensor

    def save(self, folder):
        if self._samples:
            tensors = {name: x.detach().contiguous().clone() for name, x in self._tensors.items()}
            save_file(tensors, folder / f"{self._label}.safetensors", {"samples": json.dumps(self._samples)})


def encode(x, key, names):
    """An argument in JSON; names gets {id: (tensor, its name)}."""
    if isinstance(x, torch.Tensor):
        if x.dim() > MOST_DIMENSIONS or x.dtype not in DTYPES:
            raise NotOffered(f"{x.dtype} of {x.dim()} dimensions")
        _, name = names.setdefault(id(x), (x, f"{key}/in{len(names)}"))
        return {"tensor": name, "strides": list(x.stride()), "requires_grad": x.requires_grad}
    if isinstance(x, float) and not math.isfinite(x):
        return {"number": str(x)}
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, (list, tuple)):
        return [encode(each, key, names) for each in x]
    if x in DTYPES:
        return DTYPES[x]
    raise NotOffered(type(x).__name__)


def describe(sample):
    words = map_tensors(lambda x: f"{DTYPES.get(x.dtype, x.dtype)}{list(x.shape)}", parts(sample))
    return str(words)[:200]


def drawn(op, dtype, seed):
    """PyTorch's samples, less those that are large. Of seed 0 they are those that PyTorch's own tests draw, which begin
    from the same random state before each; of another they go on from that which is set, and where there are many,
    others are taken."""
    options = {"requires_grad": dtype.is_floating_point and op.supports_autograd, "set_seed": seed == 0}
    try:
        samples = list(op.sample_inputs("cpu", dtype, **options))
        if op.reference_inputs_func is not None and dtype.is_floating_point:
            samples += list(op.reference_inputs("cpu", dtype, **options))
    except ValueError:  # some take integers only, whatever the dtype
        return []
    small = [s for s in samples if sum(x.numel() for x in tensors_in(parts(s))) <= MOST_ELEMENTS]
    return small[:MOST_SAMPLES] if seed == 0 else random.sample(small, min(len(small), MOST_SAMPLES))


def samples_of(op, label, seed):
    for dtype in (torch.float32, torch.int64, torch.bool):
        if op.supports_dtype(dtype, "cpu"):
            yield from drawn(op, dtype, seed)
    yield from extremes.samples(label)


def operations(seed):
    """(label, operation, signature, its samples, drawn anew in each call)."""
    for op in op_db:
        label = op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")
        if signature := SIGNATURES.get(label) or SIGNATURES.get(op.name):
            yield label, op, signature, lambda op=op, label=label: samples_of(op, label, seed)


def main(folder, seed, part, count):
    torch.set_num_threads(1)
    sources = *operations(seed), *modules.operations(), *optimizers.operations(), *schedulers.operations()
    for label, op, signature, samples in sources[part::count]:
        set_rng_seed(seed)
        file = File(label)
        for sample in samples():
            sample = prepared(op.name, sample)
            file.add(op, signature, sample)
            if any(size > 1 for x in tensors_in(parts(sample)) for size in x.shape):
                file.add(op, signature, Changed(sample, expanded).sample)
        file.save(folder)
        print(json.dumps({"operation": label, "samples": len(file), "not_offered": file.not_offered}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
