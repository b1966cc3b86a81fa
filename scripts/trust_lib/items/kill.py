import random
import time

from ..item import Outcome
from ..training import Training, break_off, newest

PROMISE = "kill -9 at any moment of training and saving loses nothing that was saved and leaves nothing half-written"
TARGETS = ("train_gpt",)


def check(context):
    wanted = context.scaled(50)
    chance = random.Random(0)
    saving = 0

    def kill(process, out):
        nonlocal saving
        time.sleep(chance.uniform(0.02, 0.5))
        before = newest(out)
        process.kill()
        process.communicate()
        saving += any((out / "checkpoints").glob("*.tmp"))
        after = newest(out)
        return [f"step {before} was saved, then {after} was the newest"] if after < before else []

    rounds, faults = break_off(Training(context, steps=400, save_every=1), wanted, kill)
    figure = f"{wanted} kills in {rounds} runs, {saving} of them amid a save; the ends compared with an unbroken run"
    return Outcome(figure, faults)
