import random
import time

from ..item import Outcome
from ..training import Training, damage, newest

PROMISE = "kill -9 at any moment of training and saving loses nothing that was saved and leaves nothing half-written"
TARGETS = ("train_gpt",)


def check(context):
    wanted = context.scaled(50)
    training = Training(context, steps=400, save_every=1)
    faults, kills, saving, rounds = [], 0, 0, 0
    chance = random.Random(0)
    while kills < wanted and not faults:
        rounds += 1
        out = training.folder(f"round{rounds}")
        while kills < wanted and newest(out) < training.steps:
            process = training.start(out)
            time.sleep(chance.uniform(0.02, 0.5))
            before = newest(out)
            process.kill()
            process.communicate()
            kills += 1
            after = newest(out)
            if after < before:
                faults.append(f"kill {kills}: step {before} was saved, then {after} was the newest")
            faults += [f"kill {kills}: {fault}" for fault in damage(out)]
            saving += any((out / "checkpoints").glob("*.tmp"))
        faults += training.finish(out)
    figure = f"{kills} kills in {rounds} runs, {saving} of them amid a save; the ends compared with an unbroken run"
    return Outcome(figure, faults)
