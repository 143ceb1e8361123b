#!/usr/bin/env python3
"""What the market's decisions cost with few and with very many providers and queued tasks: no
socket, no disk, one thread. The mix of inputs is a lifecycle: started, alive, exited, finished, and
for ten of them one submission of ten tasks.

usage: scale.py BUILD [LIFECYCLES, 100000 if absent [SVG]]

SVG: where to draw what a match costs; docs/match-cost.svg is such a drawing.
"""
import json
import math
import pathlib
import subprocess
import sys

from common import demand, main, show, verdict

PROVIDERS = (1_000, 3_000, 10_000, 30_000, 100_000)
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


def plot(rows):
    """What a placed submission and an input cost, over the number of providers, as SVG."""
    width, height, left, bottom = 560, 300, 60, 50
    series = (("a submission that is placed", "#c2410c", [row["placed_us"] for row in rows]),
              ("an input", "#0369a1", [1e6 / row["inputs_per_s"] for row in rows]))
    top = 1.2 * max(max(values) for _, _, values in series)
    decades = math.log10(PROVIDERS[-1] / PROVIDERS[0])

    def across(providers):
        return left + (width - left - 20) * math.log10(providers / PROVIDERS[0]) / decades

    def up(microseconds):
        return height - bottom - (height - bottom - 20) * microseconds / top

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    step = 10 ** math.floor(math.log10(top)) / 2
    for line in range(int(top / step) + 1):
        parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{up(line * step):.1f}" '
                     f'y2="{up(line * step):.1f}" stroke="#e5e7eb"/>'
                     f'<text x="{left - 8}" y="{up(line * step) + 4:.1f}" text-anchor="end">'
                     f'{line * step:g}</text>')
    for providers in PROVIDERS:
        parts.append(f'<text x="{across(providers):.1f}" y="{height - bottom + 18}" '
                     f'text-anchor="middle">{providers:,}</text>')
    for place, (name, colour, values) in enumerate(series):
        points = [f"{across(n):.1f},{up(value):.1f}" for n, value in zip(PROVIDERS, values)]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
        parts.append(f'<text x="{left + 12}" y="{28 + 18 * place}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 10}" text-anchor="middle">'
                 f'providers, with {QUEUED:,} tasks queued</text>'
                 f'<text x="14" y="{height / 2}" text-anchor="middle" '
                 f'transform="rotate(-90 14 {height / 2})">microseconds</text></svg>')
    return "\n".join(parts) + "\n"


def measure(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    lifecycles = int(arguments[1]) if len(arguments) > 1 else LIFECYCLES
    rows = [run(build, providers, QUEUED, lifecycles) for providers in PROVIDERS]
    if len(arguments) > 2:
        pathlib.Path(arguments[2]).write_text(plot(rows), encoding="utf-8")
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
