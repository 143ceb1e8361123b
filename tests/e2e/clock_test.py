#!/usr/bin/env python3
"""The wall clock jumps by a day, forwards and backwards, under a market and a provider that work."""
from __future__ import annotations

import os
import struct
import unittest
from typing import Any

import harness

DAY_S = 86_400
HOUR_MS = 3_600_000


class JumpingWorld(harness.World):
    """A world whose processes see the wall clock of clock.cpp."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = self.folder / "offset"
        self.offset.write_bytes(struct.pack("<q", 0))
        self.environment |= {"LD_PRELOAD": os.environ["SHOAL_TEST_CLOCK_LIBRARY"],
                             "SHOAL_TEST_CLOCK": str(self.offset)}

    def jump(self, seconds: int) -> None:
        with open(self.offset, "r+b") as file:  # in place: the processes have it mapped
            file.write(struct.pack("<q", seconds))


@unittest.skipUnless("SHOAL_TEST_CLOCK_LIBRARY" in os.environ, "ctest says where the clock is")
class Clock(unittest.TestCase):
    def _start(self, world: JumpingWorld) -> tuple[str, str]:
        job = world.submit(command=harness.WAITING, outputs=[{"path": "starts"}])
        return job, world.wait_running(job)["lease"]

    def _check_order(self, world: JumpingWorld) -> None:
        times = [body["at"] for _, body in world.journal() if "at" in body]
        self.assertEqual(times, sorted(times))

    def _check_end(self, world: JumpingWorld, job: str, lease: str) -> None:
        world.let_go(job)
        view: Any = world.wait_ended(job)
        self.assertEqual(view["state"], "finished", view)
        (attempt,) = world.attempts(job)
        self.assertEqual(attempt["lease"], lease)
        self.assertLess(attempt["ran"], HOUR_MS)
        done = world.run("receipt", "verify", job)
        self.assertEqual(done.returncode, 0, done.stderr)

    def _jump_while_a_job_runs(self, seconds: int) -> None:
        with JumpingWorld() as world:
            world.provider()
            job, lease = self._start(world)
            began = world.job(job)["submitted"]
            world.jump(seconds)
            done = world.run("run", "--memory", "128MiB", "--disk", "64MiB", "--", "/bin/true")
            self.assertEqual(done.returncode, 0, done.stderr)  # by the feed
            self._check_end(world, job, lease)
            self.assertLess(world.job(job)["ended"] - began, HOUR_MS)
            self.assertGreaterEqual(world.job(job)["ended"], began)
            self._check_order(world)
            world.check_books()

    def test_a_job_goes_on_when_the_wall_clock_jumps_a_day_ahead(self) -> None:
        self._jump_while_a_job_runs(DAY_S)

    def test_a_job_goes_on_when_the_wall_clock_jumps_a_day_back(self) -> None:
        self._jump_while_a_job_runs(-DAY_S)

    def test_a_market_that_starts_again_a_day_off_keeps_its_leases_and_order(self) -> None:
        for seconds in (DAY_S, -DAY_S):
            with self.subTest(seconds), JumpingWorld() as world:
                world.provider()
                job, lease = self._start(world)
                world.market.stop()
                world.jump(seconds)
                world.market.start()
                self._check_end(world, job, lease)
                self._check_order(world)
                world.check_books()

    def test_files_are_dropped_a_month_after_their_job_and_said_to_be(self) -> None:
        with JumpingWorld() as world:
            world.provider()
            job, lease = self._start(world)
            self._check_end(world, job, lease)
            kept, late = world.folder / "kept", world.folder / "late"
            done = world.run("artifacts", "get", job, "--output", str(kept))
            self.assertEqual(done.returncode, 0, done.stderr)
            world.market.stop()
            world.jump(32 * DAY_S)
            world.market.start()

            def dropped() -> bool:
                (artifact,) = world.get(f"/v1/jobs/{job}/artifacts")["items"]
                return artifact["available"] is False and artifact["dropped"] > 0
            harness.until("the file is dropped", dropped)
            self.assertIn("dropped on 20", world.run("artifacts", "list", job).stdout)
            done = world.run("artifacts", "get", job, "--output", str(late))
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("starts: its bytes were dropped on 20", done.stderr)
            self.assertFalse(late.exists())
            done = world.run("artifacts", "get", job, "--output", str(kept))
            self.assertEqual(done.returncode, 0, done.stderr)  # it is there from before
            self.assertEqual(world.ask("GET", f"/v1/attempts/{lease}/log", "buyer").status, 410)


if __name__ == "__main__":
    harness.main()
