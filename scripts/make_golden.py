#!/usr/bin/env python3
"""Writes tests/golden/<family>.safetensors: what PyTorch says of every operation.

    python3 scripts/make_golden.py [OUTPUT_FOLDER]     (needs torch and safetensors)

Each case holds its inputs (values that float32 represents exactly), the output of PyTorch in
float64, a random cotangent, and the gradient of every floating input:
"exp/0/in0", "exp/0/out", "exp/0/cot", "exp/0/grad0". An operation with several results has one
case for each. The metadata say of each case what was called; the tests' rows list the same calls in
the same order.
"""

import json
import os
import sys

from safetensors.torch import save_file

from golden import edges, elementwise, layers, reduce, shape
from golden.family import reseed


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "golden")
    os.makedirs(folder, exist_ok=True)
    for make in [elementwise.arithmetic, elementwise.activation, reduce.reduce, reduce.linalg, shape.shape,
                 shape.index, shape.inplace, shape.creation, layers.normalization, layers.loss,
                 layers.attention, edges.edges]:
        reseed()
        family = make()
        tensors = {k: t.detach().contiguous().clone() for k, t in family.tensors.items()}
        save_file(tensors, os.path.join(folder, make.__name__ + ".safetensors"),
                  {"calls": json.dumps(family.calls)})
        print(f"{make.__name__}: {len(family.count)} operations, {len(family.calls)} cases")


if __name__ == "__main__":
    main()
