"""PyTorch's learning rate schedulers with random options, as samples of operations: a schedule gives the learning rates
of so many steps. A schedule is written as the call that makes it here: ["linear_lr", base, last, steps]; one may stand in
another."""
import torch
from torch.optim.lr_scheduler import (ChainedScheduler, ConstantLR, CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR,
                                      MultiStepLR, OneCycleLR, SequentialLR, StepLR)
from torch.testing._internal.opinfo.core import SampleInput

from signatures import Signature

STEPS = 400
TRIES = 6  # of each kind
SIGNATURE = Signature("lr, steps, stop", "LrScheduler(input, lr, steps, stop)")


def whole(least, most):
    return int(torch.randint(least, most + 1, ()))


def real(least, most):
    return least + (most - least) * float(torch.rand(()))


def falling(lr):
    """What has one learning rate after the other, each some part of lr."""
    return [
        ["constant_lr", lr],
        ["step_lr", lr, whole(1, STEPS), real(0.05, 1.1)],
        ["multi_step_lr", lr, [whole(1, STEPS) for _ in range(whole(0, 4))], real(0.05, 1.1)],
        ["exponential_lr", lr, real(0.9, 1.01)],
        ["linear_lr", lr * real(0.01, 1), lr * real(0, 1), whole(1, STEPS)],
    ]


def schedules(lr):
    """One of each kind, drawn anew in each call. What may stand in each is what PyTorch lets stand there."""
    simple = [*falling(lr), ["cosine_lr", lr, lr * real(0, 1.2), whole(1, STEPS)]]
    cycle = ["one_cycle_lr", 25 * lr, whole(2, STEPS), real(0.01, 0.99)]
    warm = [["warm_up", whole(0, 50), each] for each in [*simple, cycle]]
    one, other = (simple[whole(0, len(simple) - 1)] for _ in range(2))
    parts = falling(lr)
    return [*simple, cycle, *warm, ["warm_up", whole(1, 9), warm[whole(0, len(simple) - 1)]],
            ["sequential", whole(1, STEPS), one, other],
            ["chained", lr, parts[whole(0, len(parts) - 1)], parts[whole(0, len(parts) - 1)]]]


def start(schedule):
    """The learning rate of step 0."""
    name, first, *rest = schedule
    if name == "warm_up":
        return start(rest[0]) / max(first, 1)
    return first / 25 if name == "one_cycle_lr" else first


def phases(schedule, lr):
    """PyTorch's schedulers that follow each other, each as a function of the optimizer; and their numbers of steps, None for
    all that remain."""
    name, *options = schedule
    match name, options:
        case "constant_lr", _:
            return [(lambda optimizer: ConstantLR(optimizer, factor=1.0), None)]
        case "step_lr", [_, period, gamma]:
            return [(lambda optimizer: StepLR(optimizer, period, gamma), None)]
        case "multi_step_lr", [_, milestones, gamma]:
            return [(lambda optimizer: MultiStepLR(optimizer, milestones, gamma), None)]
        case "exponential_lr", [_, gamma]:
            return [(lambda optimizer: ExponentialLR(optimizer, gamma), None)]
        case "linear_lr", [base, last, steps]:
            return [(lambda optimizer: LinearLR(optimizer, base / lr, last / lr, steps), None)]
        case "cosine_lr", [_, last, steps]:
            return [(lambda optimizer: CosineAnnealingLR(optimizer, steps, last), steps), held(last / lr)]
        case "one_cycle_lr", [peak, steps, rise]:
            def make(optimizer):
                return OneCycleLR(optimizer, peak, steps, pct_start=rise, cycle_momentum=False)
            return [(make, steps), held(1e-4)]
        case "warm_up", [0, then]:
            return phases(then, lr)
        case "warm_up", [steps, then]:
            top = start(then) / lr
            if steps == 1:  # LinearLR would divide by none
                return [(held(top)[0], 1), *phases(then, lr)]
            return [(lambda optimizer: LinearLR(optimizer, top / steps, top, steps - 1), steps), *phases(then, lr)]
        case "sequential", [steps, one, other]:
            return [*cut(phases(one, lr), steps), *phases(other, lr)]
        case "chained", [_, *parts]:
            made = [phases(part, lr)[0][0] for part in parts]
            return [(lambda optimizer: ChainedScheduler([make(optimizer) for make in made], optimizer), None)]


def held(factor):
    return lambda optimizer: LambdaLR(optimizer, lambda _: factor), None


def cut(all_phases, steps):
    """The first steps of them."""
    kept = []
    for make, length in all_phases:
        if steps > 0:
            kept.append((make, steps if length is None else min(length, steps)))
            steps -= kept[-1][1]
    return kept


class Scheduler:
    """A scheduler as sample.py wants an operation."""

    name = "LrScheduler"

    def op(self, schedule, lr, steps, stop):
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
        rates = []
        scheduler = followed(optimizer, phases(schedule, lr))
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return torch.tensor(rates, dtype=torch.float64)

    def samples(self):
        for _ in range(TRIES):
            lr = real(1e3, 1e4)  # large, so that what is compared is the relative error
            for schedule in schedules(lr):
                yield SampleInput(schedule, kwargs={"lr": lr, "steps": STEPS, "stop": whole(0, STEPS)})


def followed(optimizer, all_phases):
    made = [make(optimizer) for make, _ in all_phases]
    if len(made) == 1:
        return made[0]
    ends = [sum(length for _, length in all_phases[:i + 1]) for i in range(len(all_phases) - 1)]
    return SequentialLR(optimizer, made, ends)


def operations():
    """(label, operation, signature, its samples, drawn anew in each call)."""
    made = Scheduler()
    return [("optim.lr_scheduler", made, SIGNATURE, made.samples)]
