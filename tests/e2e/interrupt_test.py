#!/usr/bin/env python3
"""What a buyer does to a job that runs: cancels it, watches it, leaves it."""
from __future__ import annotations

import signal
import subprocess
import unittest

import harness
import processes


class Interrupt(unittest.TestCase):
    def test_a_job_that_is_cancelled_stops_and_the_rest_of_its_hold_returns(self) -> None:
        with harness.World() as world:
            world.provider()
            job = world.submit(command=harness.WAITING, limits={"time": "10m", "grace": "1s"})
            world.wait_running(job)
            self.assertGreater(world.balance()["held"], 0)
            done = world.run("cancel", job)
            self.assertEqual(done.returncode, 0, done.stderr)
            view = world.wait_ended(job)
            self.assertEqual((view["state"], view["reason"]), ("cancelled", "cancelled_by_buyer"))
            self.assertEqual(int(view["charged"]) + int(view["released"]), int(view["hold"]))
            money = world.balance()
            self.assertEqual(money["held"], 0)
            self.assertEqual(money["available"], 100 * harness.CREDIT - int(view["charged"]))
            harness.until("the job is stopped", lambda: not processes.jobs(world.mark))
            world.check_books()

    def test_a_second_cancel_of_a_job_changes_nothing(self) -> None:
        with harness.World() as world:
            job = world.submit(command=["/bin/true"], price={"max_total": "1000"})
            self.assertEqual(world.run("cancel", job).returncode, 0)
            before = world.balance()
            world.run("cancel", job)
            self.assertEqual(world.balance(), before)
            self.assertEqual(world.job(job)["state"], "cancelled")
            world.check_books()

    def test_logs_are_followed_to_the_end_of_the_job(self) -> None:
        with harness.World() as world:
            world.provider()
            job = world.submit(command=harness.WAITING)
            world.wait_running(job)
            with subprocess.Popen(world.command("logs", "-f", job), stdout=subprocess.PIPE,
                                  env=world.environment, encoding="utf-8") as follower:
                assert follower.stdout
                self.assertEqual(follower.stdout.readline(), "begun\n")
                world.let_go(job)
                rest = follower.stdout.read()
                self.assertEqual(follower.wait(harness.WAIT_S), 0)
            self.assertEqual(rest, "went\n")

    def test_ctrl_c_leaves_the_job_running_unless_it_was_to_cancel_it(self) -> None:
        with harness.World() as world:
            world.provider()
            for options, state in (((), "open"), (("--cancel-on-interrupt",), "cancelled")):
                words = world.command("run", *options, "--memory", "128MiB", "--disk", "64MiB",
                                      "--", *harness.WAITING)
                with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env=world.environment, encoding="utf-8") as run:
                    assert run.stdout
                    self.assertEqual(run.stdout.readline(), "begun\n")
                    run.send_signal(signal.SIGINT)
                    _, said = run.communicate(timeout=harness.WAIT_S)
                self.assertEqual(run.returncode, 130, said)
                job = world.get("/v1/jobs", "buyer")["items"][0]["job"]
                if state == "cancelled":
                    harness.until("it is cancelled", lambda j=job: world.job(j)["state"] == state)
                else:
                    self.assertEqual(world.job(job)["state"], state)
                    world.wait_running(job)
                    world.let_go(job)
                    self.assertEqual(world.wait_ended(job)["state"], "finished")


if __name__ == "__main__":
    harness.main()
