#!/usr/bin/env python3
"""What the market's decisions cost with few and with very many providers and queued tasks: no
socket, no disk, one thread. The mix of inputs is a lifecycle: started, alive, exited, finished, and
for ten of them one submission of ten tasks.

usage: scale.py BUILD [LIFECYCLES, 100000 if absent]
"""
import json
import pathlib
import subprocess
import sys

from common import demand, main, show, verdict

PROVIDERS = (1_000, 10_000, 100_000)
QUEUED = 1_000_000
LIFECYCLES = 100_000
INPUTS_MARK = 100_000  # a second
BYTES_MARK = 4 << 30
FLAT_MARK = 3.0  # a cost may grow so much while providers grow a hundredfold


def run(build, providers, queued, lifecycles):
    done = subprocess.run([build / "bench/market_core", str(providers), str(queued),
                           str(lifecycles)], capture_output=True, text=True, check=False)
    demand(done.returncode == 0, done.stderr)
    figures = json.loads(done.stdout)
    demand(figures["good"], f"the books or the counts are wrong: {figures}")
    return figures


def measure(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    lifecycles = int(arguments[1]) if len(arguments) > 1 else LIFECYCLES
    rows = [run(build, providers, QUEUED, lifecycles) for providers in PROVIDERS]
    show("The market's decisions alone", [
        ("providers", *(f"{row['providers']:,}" for row in rows)),
        ("tasks queued", *(f"{row['queued']:,}" for row in rows)),
        ("inputs a second", *(f"{row['inputs_per_s']:,.0f}" for row in rows)),
        ("lifecycles a second", *(f"{row['lifecycles_per_s']:,.0f}" for row in rows)),
        ("us a submission that is placed", *(f"{row['placed_us']:.1f}" for row in rows)),
        ("bytes a provider", *(f"{row['provider_bytes']:,}" for row in rows)),
        ("bytes a queued task", *(f"{row['task_bytes']:,}" for row in rows)),
        ("GiB in all", *(f"{row['resident_bytes'] / (1 << 30):.2f}" for row in rows)),
    ])
    first, last = rows[0], rows[-1]
    growth = last["placed_us"] / first["placed_us"]
    slowed = first["inputs_per_s"] / last["inputs_per_s"]
    return all([
        verdict(last["inputs_per_s"] >= INPUTS_MARK, f"at least {INPUTS_MARK:,} inputs a second"),
        verdict(last["resident_bytes"] <= BYTES_MARK, "at most 4 GiB"),
        verdict(growth <= FLAT_MARK, f"a match costs {growth:.2f} times as much among the most "
                                     f"providers as among the fewest, at most {FLAT_MARK}"),
        verdict(slowed <= FLAT_MARK, f"an input {slowed:.2f} times as much"),
    ])


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
