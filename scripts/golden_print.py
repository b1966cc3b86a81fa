#!/usr/bin/env python3
"""Writes tests/golden/print.safetensors: tensors, and in the metadata of each how PyTorch prints it.

Run with a Python that has torch and safetensors.
"""
import pathlib

import torch
from safetensors.torch import save_file

inf, nan = float("inf"), float("nan")
torch.manual_seed(0)


def cases():
    yield "scalar", torch.tensor(2.5)
    yield "whole_scalar", torch.tensor(-3.0)
    yield "int_scalar", torch.tensor(-7)
    yield "bool_scalar", torch.tensor(True)
    yield "nan_scalar", torch.tensor(nan)
    yield "small_scalar", torch.tensor(1.5e-7, dtype=torch.float64)
    yield "empty", torch.empty(0)
    yield "empty_shaped", torch.empty(2, 0, 3)
    yield "empty_int", torch.empty(0, dtype=torch.int64)
    yield "empty_bool", torch.empty(0, 4, dtype=torch.bool)
    yield "ints", torch.tensor([[1, -20, 3], [400, 5, 6]])
    yield "huge_ints", torch.tensor([2**63 - 1, -(2**63), 0])
    yield "bools", torch.tensor([[True, False], [False, True]])
    yield "whole", torch.tensor([1.0, 2.0, 300.0])
    yield "whole_wide", torch.tensor([1.0, 2.0, 3000.0])
    yield "whole_nonfinite", torch.tensor([1.0, nan, -inf, 20.0])
    yield "zeros", torch.zeros(3)
    yield "negative_zero", torch.tensor([-0.0, 1.0])
    yield "nonfinite", torch.tensor([nan, inf, -inf])
    yield "zero_nan", torch.tensor([0.0, nan])
    yield "mixed_nonfinite", torch.tensor([1.5, nan, -inf])
    yield "mixed", torch.tensor([1.5, -10.25, 0.001])
    yield "ratio", torch.tensor([1000.5, 1.0])
    yield "small", torch.tensor([1e-6, 1.0])
    yield "tiny", torch.tensor([5e-324, -1e-310], dtype=torch.float64)
    yield "below_limit", torch.tensor([0.00011, 0.05])
    yield "large", torch.tensor([1e10, 1.0], dtype=torch.float64)
    yield "hundred_million", torch.tensor([1e8, 100000008.0])
    yield "largest", torch.tensor([3.4e38, -3.4e38])
    yield "science_nonfinite", torch.tensor([[1e-6, inf], [nan, -1.0]])
    yield "double", torch.tensor([1.5, 2.0], dtype=torch.float64)
    yield "brain", torch.tensor([1.5, -2.375], dtype=torch.bfloat16)
    yield "blocks", torch.arange(8).reshape(2, 2, 2)
    yield "deep", torch.arange(4.0).reshape(1, 2, 1, 2)
    yield "thin", torch.arange(12.0).reshape(12, 1)
    yield "normal", torch.randn(3, 4)
    yield "long", torch.arange(100)
    yield "long_rows", torch.randn(2, 28, dtype=torch.float64)
    yield "long_science", torch.tensor([10.0**-i for i in range(20)], dtype=torch.float64)
    yield "thousand", torch.arange(1000.0)
    yield "more", torch.arange(1001)
    yield "more_fractions", torch.arange(1001) / 7
    yield "square", torch.arange(1200).reshape(40, 30)
    yield "narrow", torch.arange(1002.0).reshape(501, 2)
    yield "cube", torch.arange(1210.0).reshape(11, 10, 11)
    yield "flat_cube", torch.randn(1, 5, 201)
    yield "many_nans", torch.full((1001,), nan)
    yield "suffix_wraps", torch.tensor([0.123456] * 8, dtype=torch.float64)


def main():
    tensors = dict(cases())
    texts = {name: repr(tensor).replace("torch.", "") for name, tensor in tensors.items()}
    golden = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, golden / "print.safetensors", texts)


if __name__ == "__main__":
    main()
