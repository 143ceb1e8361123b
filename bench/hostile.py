#!/usr/bin/env python3
"""What honest clients notice while a hostile one does its worst: hostile.py BUILD [SECONDS [NAME...]]

Beside each attack of tests/e2e/attacks.py an honest buyer asks the market for its account a hundred
times a second on one connection, and submits a job each second. Printed is how long it waits, without
and with the attack, and how much the market's memory grew. The attacker takes its own share of this
machine's cores, so that a bound is several times what a quiet market needs.
"""
from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import attacks  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position

P99_MAX_S = 0.25
P99_MAX_TIMES = 20  # of what it is without an attack, if that is more
MEMORY_MAX = 128 << 20
TASKS_MEMORY_MAX = 4 << 30  # of a million tasks that wait
PAUSE_S = 0.01
JOB_EVERY = 100


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


class Honest(threading.Thread):
    """Asks again and again until it is told to stop."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__()
        self.place = urllib.parse.urlsplit(url)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.waited: list[float] = []
        self.failed: list[str] = []
        self.stopping = threading.Event()
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        assert self.place.hostname
        return http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=30)

    def run(self) -> None:
        number = 0
        while not self.stopping.wait(PAUSE_S):
            number += 1
            body = json.dumps({"name": f"honest {number}", "command": ["true"],
                               "price": {"max_total": "1000"}, "resources": {"cores": 4000}})
            wanted = ("POST", "/v1/jobs", body) if number % JOB_EVERY == 0 else \
                ("GET", "/v1/accounts/me", "")
            begun = time.monotonic()
            try:
                self.connection.request(wanted[0], wanted[1], body=wanted[2] or None,
                                        headers=self.headers)
                answer = self.connection.getresponse()
                answer.read()
                if answer.status >= 300:
                    self.failed.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                self.connection = self.connect()
            self.waited.append(time.monotonic() - begun)

    def stop(self) -> tuple[float, float]:
        """The median and the 99th percentile of its waiting."""
        self.stopping.set()
        self.join()
        waited = sorted(self.waited)
        return waited[len(waited) // 2], waited[len(waited) * 99 // 100]


def quietly(target: attacks.Target, end: float) -> None:
    del target
    time.sleep(max(0.0, end - time.monotonic()))


def measure(name: str, seconds: float) -> dict[str, float]:
    """One market, one attack."""
    attack = attacks.ATTACKS.get(name, quietly)
    with harness.World(credit="1000", time_limit_s=0) as world:
        world.open_account("honest", "buyer")
        world.cli("account", "credit", world.accounts["honest"], "100", role="operator")
        target = attacks.Target(world.market.url,
                                {**world.keys, "buyer_account": world.accounts["buyer"]})
        honest = Honest(world.market.url, world.keys["honest"])
        honest.start()
        time.sleep(0.5)
        before = resident(world.market.pid)
        most = before
        process = multiprocessing.get_context("fork").Process(
            target=attack, args=(target, time.monotonic() + seconds))
        process.start()
        while process.is_alive():
            most = max(most, resident(world.market.pid))
            process.join(0.1)
        middle, late = honest.stop()
        if honest.failed:
            raise SystemExit(f"{name}: an honest request failed: {honest.failed[:3]}")
        if name == "a million tasks":
            check_tasks(world)
        return {"p50_ms": middle * 1e3, "p99_ms": late * 1e3, "grown_mib": (most - before) / 2**20}


def check_tasks(world: harness.World) -> None:
    """A million tasks are there, and one more job is refused with words that help."""
    body = json.dumps({"name": "more", "command": ["true"], "price": {"max_total": "1000"}}).encode()
    answer = world.ask("POST", "/v1/jobs", "buyer", body=body)
    if answer.status < 400 or "1000000" not in answer.json()["message"]:
        raise SystemExit(f"more than a million tasks were taken: {answer.status} {answer.body!r}")


def main() -> int:
    harness.program = os.path.abspath(os.path.join(sys.argv[1], "shoal"))
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    names = sys.argv[3:] or list(attacks.ATTACKS)
    calm = measure("nothing", seconds)
    bound_ms = max(P99_MAX_S * 1e3, P99_MAX_TIMES * calm["p99_ms"])
    print(f"an honest client waits at most {bound_ms:.0f} ms (99 %), memory grows by at most "
          f"{MEMORY_MAX >> 20} MiB, for a million tasks by {TASKS_MEMORY_MAX >> 20} MiB")
    print(f"{'attack':<20}{'p50 ms':>10}{'p99 ms':>10}{'memory MiB':>12}")
    print(f"{'nothing':<20}{calm['p50_ms']:>10.2f}{calm['p99_ms']:>10.2f}{calm['grown_mib']:>12.1f}")
    good = True
    for name in names:
        row = measure(name, seconds)
        memory_max = TASKS_MEMORY_MAX if name == "a million tasks" else MEMORY_MAX
        missed = row["p99_ms"] > bound_ms or row["grown_mib"] > memory_max / 2**20
        good = good and not missed
        print(f"{name:<20}{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}{row['grown_mib']:>12.1f}"
              f"{'  MISSED' if missed else ''}", flush=True)
    return not good


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
