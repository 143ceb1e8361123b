#!/usr/bin/env python3
"""Each process is killed while jobs run; nothing is lost, and nothing is done or paid twice."""
from __future__ import annotations

import hashlib
import unittest

import harness
import processes

STARTED_ONCE = hashlib.sha256(b"start\n").hexdigest()


class Recovery(unittest.TestCase):
    def _started_once(self, world: harness.World, job: str) -> None:
        artifacts = world.get(f"/v1/jobs/{job}/artifacts")["items"]
        self.assertEqual([one["blob"] for one in artifacts], [STARTED_ONCE])

    def _check_end(self, world: harness.World, job: str) -> None:
        names = [name for name, body in world.journal()
                 if name == "job_ended" and body["job"] == job]
        self.assertEqual(len(names), 1)

    def test_jobs_go_on_over_the_death_of_the_market_and_finish_once(self) -> None:
        with harness.World() as world:
            world.provider()
            jobs = [world.submit(command=harness.WAITING, outputs=[{"path": "starts"}])
                    for _ in range(2)]
            leases = {job: world.wait_running(job)["lease"] for job in jobs}
            world.market.kill()
            world.market.start()
            for job in jobs:
                world.let_go(job)
                self.assertEqual(world.wait_ended(job)["state"], "finished")
                attempts = world.attempts(job)
                self.assertEqual([one["lease"] for one in attempts], [leases[job]])
                self._started_once(world, job)
                self._check_end(world, job)
            world.check_books()

    def test_a_provider_that_was_killed_takes_up_the_same_attempt_again(self) -> None:
        with harness.World() as world:
            provider = world.provider()
            job = world.submit(command=harness.WAITING, outputs=[{"path": "starts"}])
            lease = world.wait_running(job)["lease"]
            provider.kill()
            self.assertEqual(len(processes.shims(world.mark)), 1)
            provider.start()
            world.wait_online(provider)
            world.let_go(job)
            self.assertEqual(world.wait_ended(job)["state"], "finished")
            self.assertEqual([one["lease"] for one in world.attempts(job)], [lease])
            self._started_once(world, job)
            self._check_end(world, job)
            world.check_books()

    def test_a_job_that_ends_while_its_provider_is_dead_is_delivered_later(self) -> None:
        with harness.World() as world:
            provider = world.provider()
            job = world.submit(command=harness.WAITING, outputs=[{"path": "starts"}])
            lease = world.wait_running(job)["lease"]
            provider.kill()
            world.let_go(job)
            harness.until("the shim ends", lambda: not processes.shims(world.mark))
            provider.start()
            self.assertEqual(world.wait_ended(job)["state"], "finished")
            self.assertEqual([one["lease"] for one in world.attempts(job)], [lease])
            self._started_once(world, job)
            self._check_end(world, job)
            world.check_books()

    def test_an_attempt_whose_shim_was_killed_is_lost_and_tried_again(self) -> None:
        with harness.World() as world:
            world.provider()
            job = world.submit(command=harness.WAITING, outputs=[{"path": "starts"}])
            first = world.wait_running(job)["lease"]
            (shim,) = processes.shims(world.mark)
            inside = processes.jobs(world.mark)
            processes.kill(shim)
            harness.until("the job dies with its shim",
                          lambda: not [pid for pid in inside if processes.state(pid)])
            second = harness.until("it is leased again", lambda: [
                one["lease"] for one in world.attempts(job) if one["lease"] != first])
            self.assertEqual(world.wait_running(job)["lease"], second[0])
            world.let_go(job)
            self.assertEqual(world.wait_ended(job)["state"], "finished")
            ended = {one["lease"]: one for one in world.attempts(job)}
            self.assertEqual(ended[first]["reason"], "runner_lost")
            self.assertEqual(int(ended[first]["charge"]), 0)
            self._started_once(world, job)
            self._check_end(world, job)
            world.check_books()

    def test_a_job_whose_process_was_killed_failed_by_a_signal(self) -> None:
        with harness.World() as world:
            world.provider()
            job = world.submit(command=harness.WAITING, outputs=[{"path": "starts"}], retries=0)
            world.wait_running(job)
            for pid in harness.until("the job's process", lambda: processes.jobs(world.mark)):
                processes.kill(pid)
            view = world.wait_ended(job)
            self.assertEqual((view["state"], view["reason"]), ("failed", "signal"))
            (attempt,) = world.attempts(job)
            self.assertEqual(attempt["outcome"]["signal"], 9)
            self._check_end(world, job)
            world.check_books()


if __name__ == "__main__":
    harness.main()
