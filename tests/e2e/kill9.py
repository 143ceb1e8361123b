#!/usr/bin/env python3
"""Kills processes with -9 at random moments and demands that nothing is lost or done twice.

usage: kill9.py PATH_TO_SHOAL ROUNDS SEED

Each round submits a small workload, kills one of {the market, a provider, a shim, a job's process}
at a random moment, starts it again where it is a service, and waits until every job has ended. Then
every job must have ended exactly once, for a reason of the closed list; no task may have had two
live leases, no lease two ends; every artifact must be whole; the books must balance with no hold
left. At the end nothing may be left: no process, control group, mount, file or attempt's folder.
Exit code 1: something of that did not hold, and which seed shows it.
"""
from __future__ import annotations

import collections
import hashlib
import json
import os
import random
import sys
import time
import unittest
from typing import Any

import harness
import processes

KINDS = ("market", "provider", "shim", "job")
JOBS = 2
TASKS = 2
ROUND_S = 240.0  # a lease whose provider is gone lasts a minute
PROGRAM = "read given < /in/given; echo begin; sleep ${seconds}; echo $given ${seconds} > /out/made"


class Audit:
    """Reads the journal as it grows, and holds it to what must always be true."""

    def __init__(self, world: harness.World) -> None:
        self._world = world
        self._sequence = 0
        self._live: dict[str, str] = {}        # by task, its live lease
        self._task_of: dict[str, str] = {}
        self._ended_leases: set[str] = set()
        self._ended_tasks: set[str] = set()
        self.ended_jobs: dict[str, str] = {}   # by job, the reason
        self.receipts: set[str] = set()
        self.lease_reasons: collections.Counter[str] = collections.Counter()

    def catch_up(self) -> None:
        for event in self._world.events(self._sequence):
            sequence = event["sequence"]
            assert sequence == self._sequence + 1, f"the journal lacks {self._sequence + 1}"
            self._sequence = sequence
            self._hear(event["name"], event["body"])

    def _hear(self, name: str, body: Any) -> None:
        if name == "lease_granted":
            task, lease = body["task"], body["lease"]
            assert task not in self._live, f"{task} has {self._live[task]} and {lease} at once"
            assert task not in self._ended_tasks, f"{task} was leased after its end"
            self._live[task] = lease
            self._task_of[lease] = task
        elif name == "attempt_ended":
            lease = body["lease"]
            assert lease not in self._ended_leases, f"{lease} ended twice"
            self._ended_leases.add(lease)
            self.lease_reasons[body["reason"]] += 1
            assert self._live.pop(self._task_of[lease]) == lease
        elif name == "task_ended":
            assert body["task"] not in self._ended_tasks, f"{body['task']} ended twice"
            self._ended_tasks.add(body["task"])
        elif name == "job_ended":
            assert body["job"] not in self.ended_jobs, f"{body['job']} ended twice"
            self.ended_jobs[body["job"]] = body["reason"]
        elif name == "receipt_issued":
            assert body["job"] not in self.receipts, f"{body['job']} has two receipts"
            self.receipts.add(body["job"])

    def check_quiet(self) -> None:
        assert not self._live, f"live leases are left: {self._live}"


class Kill9:
    def __init__(self, world: harness.World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.audit = Audit(world)
        self.kills: collections.Counter[str] = collections.Counter()
        self.outcomes: collections.Counter[str] = collections.Counter()

    def submit(self, number: int) -> dict[str, set[str]]:
        """By job, the hashes of what its tasks must make."""
        text = f"round-{number}"
        given = hashlib.sha256(f"{text}\n".encode()).hexdigest()
        stored = self.world.ask("PUT", f"/v1/blobs/{given}", "buyer", body=f"{text}\n".encode())
        assert stored.status in (200, 201), stored
        wanted = {}
        for _ in range(JOBS):
            lengths = [round(self.chance.uniform(0.05, 0.9), 3) for _ in range(TASKS)]
            job = self.world.submit(
                command=["/bin/sh", "-c", PROGRAM], outputs=[{"path": "made"}], retries=8,
                inputs=[{"as": "given", "blob": given, "size_bytes": len(text) + 1}],
                tasks={"matrix": {"seconds": lengths}},
                price={"max_total": str(harness.CREDIT // 100)})  # no provider may be back yet
            wanted[job] = {hashlib.sha256(f"{text} {one}\n".encode()).hexdigest()
                           for one in lengths}
        return wanted

    def strike(self, kind: str, jobs: list[str]) -> None:
        """Kills one of the kind, and starts it again if it is a service."""
        time.sleep(self.chance.uniform(0, 1.0))  # the random moment, not a wait for something
        if kind in ("market", "provider"):
            service = (self.world.market if kind == "market"
                       else self.chance.choice(self.world.providers))
            self.world.shims_seen |= set(processes.shims(self.world.mark))
            service.kill()
            time.sleep(self.chance.uniform(0, 0.4))
            service.start()
            self.kills[kind] += 1
            return
        find = processes.shims if kind == "shim" else processes.jobs

        def found_or_over() -> list[int] | str:
            found = find(self.world.mark)
            return found or ("over" if self._all_ended(jobs) else "")
        found = harness.until("something to kill", found_or_over)
        self.world.shims_seen |= set(processes.shims(self.world.mark))
        if isinstance(found, list) and processes.kill(self.chance.choice(found)):
            self.kills[kind] += 1
        else:
            self.kills[f"{kind} came too late"] += 1

    def _all_ended(self, jobs: list[str]) -> bool:
        return all(self.world.job(job)["state"] != "open" for job in jobs)

    def round(self, number: int, kind: str) -> None:
        wanted = self.submit(number)
        self.strike(kind, list(wanted))
        harness.until("every job ends", lambda: self._all_ended(list(wanted)), ROUND_S)
        self.audit.catch_up()
        self.audit.check_quiet()
        for job, hashes in wanted.items():
            view = self.world.job(job)
            assert self.audit.ended_jobs[job] == view["reason"], view
            assert job in self.audit.receipts, f"{job} has no receipt"
            self.outcomes[f"{view['state']}: {view['reason']}"] += 1
            self._check_artifacts(job, view, hashes)
            # Only a killed process of the job itself is the job's own end.
            assert view["state"] == "finished" or (kind, view["reason"]) == ("job", "signal"), view
        self.world.check_books()

    def _check_artifacts(self, job: str, view: Any, hashes: set[str]) -> None:
        listed = self.world.get(f"/v1/jobs/{job}/artifacts")["items"]
        made = {one["blob"] for one in listed}
        assert made <= hashes and len(listed) == view["tasks"]["accepted"], (listed, hashes)
        assert view["state"] != "finished" or made == hashes, (listed, hashes)
        for one in listed:
            body = self.world.ask("GET", f"/v1/blobs/{one['blob']}", "buyer").body
            assert hashlib.sha256(body).hexdigest() == one["blob"], f"{job}: {one} is not whole"


def run(rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    start = time.monotonic()
    with harness.World(time_limit_s=0) as world:
        for _ in range(2):
            world.provider()
        test = Kill9(world, chance)
        kinds: list[str] = []
        for number in range(1, rounds + 1):
            kinds = kinds or chance.sample(KINDS, len(KINDS))
            kind = kinds.pop()
            try:
                test.round(number, kind)
            except BaseException:
                print(f"round {number} of seed {seed}, {kind} killed:", file=sys.stderr)
                raise
        harness.until("every attempt's folder is removed",
                      lambda: not any(one.attempts() for one in world.providers))
        print(f"{rounds} rounds, seed {seed}, {time.monotonic() - start:.0f} s")
        for title, counts in (("kills", test.kills), ("jobs", test.outcomes),
                              ("attempts", test.audit.lease_reasons)):
            told = (f"{name} {count}" for name, count in sorted(counts.items()))
            print(f"{title}: " + ", ".join(told), flush=True)
    print("every job ended once, every artifact is whole, the books balance, nothing is left")


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    harness.program = os.path.abspath(sys.argv[1])
    try:
        run(int(sys.argv[2]), int(sys.argv[3]))
    except unittest.SkipTest as reason:
        print(reason)
        return harness.SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
