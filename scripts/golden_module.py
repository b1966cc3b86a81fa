"""Records what PyTorch says of a module, for tests/nn/golden.h to compare with. Needs torch and safetensors.

Names are CASE/param/NAME, CASE/in/NAME, CASE/out/NAME and CASE/grad/NAME, the gradient of a
parameter or input for the cotangent CASE/in/cotangent. All in float64.
"""
import pathlib

import torch
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)


class Golden:
    def __init__(self, name):
        self.path = pathlib.Path(__file__).resolve().parent.parent / f"tests/golden/{name}.safetensors"
        self.tensors = {}

    def put(self, name, tensor):
        self.tensors[name] = tensor.detach().clone().contiguous()

    def case(self, name, module, inputs, call, outputs=("y",), rename=lambda n, t: (n, t)):
        """Records one forward and backward of a module whose parameters are drawn anew."""
        for key, param in module.named_parameters():
            with torch.no_grad():
                param.normal_(0, 0.3)
        for key, x in inputs.items():
            if x.is_floating_point():
                x.requires_grad_()
            self.put(f"{name}/in/{key}", x)
        results = call(module, **inputs)
        results = results if isinstance(results, tuple) else (results,)
        cotangent = torch.randn_like(results[0])
        self.put(f"{name}/in/cotangent", cotangent)
        results[0].backward(cotangent)
        for key, result in zip(outputs, results):
            self.put(f"{name}/out/{key}", result)
        for key, param in module.named_parameters():
            for kind, tensor in ("param", param), ("grad", param.grad):
                known, value = rename(key, tensor)
                self.put(f"{name}/{kind}/{known}", value)
        for key, x in inputs.items():
            if x.is_floating_point():
                self.put(f"{name}/grad/{key}", x.grad)

    def save(self):
        save_file(self.tensors, self.path)
        print(f"{self.path}: {len(self.tensors)} tensors")
