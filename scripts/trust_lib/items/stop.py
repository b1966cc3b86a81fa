import json
import random
import signal
import time

from ..item import Outcome
from ..training import Training, break_off, newest

PROMISE = "Ctrl-C and SIGTERM save and stop; the run then goes on bit for bit"
TARGETS = ("train_gpt",)


def check(context):
    wanted = context.scaled(10)
    chance = random.Random(0)

    def stop(process, out):
        log = out / "log.jsonl"
        before = log.stat().st_size if log.exists() else 0
        while process.poll() is None and not (log.exists() and log.stat().st_size > before):
            time.sleep(0.01)  # until it trains
        time.sleep(chance.uniform(0, 0.2))
        number = chance.choice((signal.SIGINT, signal.SIGTERM))
        process.send_signal(number)
        _, error = process.communicate()
        if process.returncode == 0:
            return None  # the signal came when all was done
        faults = []
        last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])["step"]
        if process.returncode != 128 + number or f"stopped after step {last};" not in error:
            faults.append(f"exit status {process.returncode} after {signal.Signals(number).name}: {error.strip()}")
        if newest(out) != last:
            faults.append(f"stopped after step {last}, but saved step {newest(out)}")
        return faults

    rounds, faults = break_off(Training(context, steps=4000, save_every=1000), wanted, stop)
    return Outcome(f"{wanted} signals in {rounds} runs; the ends compared with an unbroken run", faults)
