#!/usr/bin/env python3
"""Writes tests/golden/optim.safetensors: 100 steps of torch.optim in float64, and its schedules.

Run with a Python that has torch and safetensors. Every case starts at a.start and b.start and is fed
the same gradients; b has none on every third step, so that the counts of steps differ.
"""

import itertools
import math
import pathlib

import torch
from safetensors.torch import save_file

STEPS = 100
PEAK = 0.1
WARM = 10

clips = torch.nn.utils
CLIPS = {
    "clip_norm.2": lambda parameters: clips.clip_grad_norm_(parameters, 2.5),
    "clip_norm.1": lambda parameters: clips.clip_grad_norm_(parameters, 6.5, norm_type=1),
    "clip_norm.3": lambda parameters: clips.clip_grad_norm_(parameters, 1.8, norm_type=3),
    "clip_norm.inf": lambda parameters: clips.clip_grad_norm_(parameters, 1.5, norm_type=math.inf),
    "clip_value": lambda parameters: clips.clip_grad_value_(parameters, 0.4),
}


def optimizer_cases():
    sgd = torch.optim.SGD
    for momentum, decay in itertools.product((0.0, 0.9), (0.0, 0.05)):
        yield f"sgd.{momentum}.{decay}", sgd, dict(momentum=momentum, weight_decay=decay)
    yield "sgd.dampening", sgd, dict(momentum=0.9, dampening=0.3, weight_decay=0.05)
    yield "sgd.nesterov", sgd, dict(momentum=0.9, nesterov=True, weight_decay=0.05)
    yield "sgd.maximize", sgd, dict(momentum=0.9, weight_decay=0.05, maximize=True)
    yield "adamw.maximize", torch.optim.AdamW, dict(weight_decay=0.05, maximize=True)
    for amsgrad, decay in itertools.product((0, 1), (0.0, 0.05)):
        options = dict(betas=(0.8, 0.95), eps=1e-6, amsgrad=bool(amsgrad), weight_decay=decay)
        yield f"adam.{amsgrad}.{decay}", torch.optim.Adam, options
        yield f"adamw.{amsgrad}.{decay}", torch.optim.AdamW, options
    for name in CLIPS:
        yield name, sgd, {}


def train(name, kind, options, start, grads):
    """The parameters after every tenth step, and the norms that clipping saw."""
    a, b = (x.clone().requires_grad_() for x in start)
    optimizer = kind([dict(params=[a]), dict(params=[b], lr=0.02)], lr=0.05, **options)
    seen, norms = ([], []), []
    for step in range(STEPS):
        a.grad = grads[0][step].clone()
        b.grad = None if step % 3 == 2 else grads[1][step].clone()
        if name in CLIPS:
            norms.append(CLIPS[name]([a, b]))
        optimizer.step()
        if step % 10 == 9:
            for rows, parameter in zip(seen, (a, b)):
                rows.append(parameter.detach().clone())
    return [torch.stack(rows) for rows in seen], norms


def schedule_cases():
    kinds = torch.optim.lr_scheduler
    yield "step", PEAK, lambda o: kinds.StepLR(o, 7, gamma=0.5)
    yield "multi_step", PEAK, lambda o: kinds.MultiStepLR(o, [50, 7, 7, 90], gamma=0.5)
    yield "exponential", PEAK, lambda o: kinds.ExponentialLR(o, 0.97)
    yield "linear", PEAK, lambda o: kinds.LinearLR(o, 1.0, 0.01, total_iters=40)
    yield "cosine", PEAK, lambda o: kinds.CosineAnnealingLR(o, STEPS - 1, eta_min=0.001)
    yield "one_cycle", PEAK, lambda o: kinds.OneCycleLR(o, PEAK, STEPS, cycle_momentum=False)
    yield "late_cycle", PEAK, lambda o: kinds.OneCycleLR(o, PEAK, STEPS, pct_start=0.7, cycle_momentum=False)
    yield "constant", PEAK, lambda o: kinds.ConstantLR(o, 1)


def warm_up(optimizer, make):
    """WARM steps up a straight line from nothing (excluded), then the schedule itself."""
    kinds = torch.optim.lr_scheduler
    after = make(optimizer)
    rise = kinds.LinearLR(optimizer, 1 / WARM, total_iters=WARM - 1)
    return kinds.SequentialLR(optimizer, [rise, after], milestones=[WARM])


def rates(base, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule = make(optimizer)
    seen = []
    for _ in range(STEPS):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(seen) < STEPS:
            schedule.step()
    return torch.tensor(seen, dtype=torch.float64)


def main():
    torch.manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    start, grads = (draw(2, 3), draw(5)), (draw(STEPS, 2, 3), draw(STEPS, 5))
    content = {"a.start": start[0], "b.start": start[1], "a.grad": grads[0], "b.grad": grads[1]}
    for name, kind, options in optimizer_cases():
        (a, b), norms = train(name, kind, options, start, grads)
        content.update({f"a.{name}": a, f"b.{name}": b})
        if name.startswith("clip_norm"):
            content[f"norms.{name}"] = torch.stack(norms)
    for name, base, make in schedule_cases():
        content[f"lr.{name}"] = rates(base, make)
        content[f"lr.warm.{name}"] = rates(base, lambda optimizer: warm_up(optimizer, make))
    golden = pathlib.Path(__file__).parent.parent / "tests" / "golden"
    save_file(content, golden / "optim.safetensors")


if __name__ == "__main__":
    main()
