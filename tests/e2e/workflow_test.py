#!/usr/bin/env python3
"""Steps that need one another, from the file to their receipts; results that are given again."""
from __future__ import annotations

import hashlib
import json
import pathlib
import unittest

import harness

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/workflow"

FAILING = """
name: failing
resources: {memory: 64MiB, disk: 16MiB}
steps:
  broken: {command: [/bin/sh, -c, "exit 3"], outputs: [{path: model}]}
  after:
    needs: [broken]
    command: [/bin/true]
    inputs: [{from: broken, path: model}]
  tidy:
    needs: {broken: {on_failure: run}}
    command: [/bin/sh, -c, "test ! -e /in/model"]
    inputs: [{from: broken, path: model}]
"""


class Workflow(unittest.TestCase):
    def test_the_example_runs_and_its_second_run_comes_from_the_cache(self) -> None:
        with harness.World() as world:
            world.provider("--attempts", "2")
            program = pathlib.Path(harness.program).resolve().parent / "examples/asian_option"
            self.assertTrue(program.exists(), f"{program} is not built")
            text = (EXAMPLE / "workflow.yaml").read_text()
            text = text.replace("../../build/release/examples/asian_option", str(program))
            (world.folder / "workflow.yaml").write_text(text)
            (world.folder / "combine.awk").write_text((EXAMPLE / "combine.awk").read_text())
            done = world.run("run", "workflow.yaml", "-o", "results")
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
            self.assertIn("combine (job_2): waits for simulate", done.stderr)
            price = (world.folder / "results/combine/price.txt").read_bytes()
            self.assertIn(b"from 400000 paths", price)
            self._check_handed_over(world, price)
            first = int(world.get("/v1/workflows/wf_1")["charged"])

            again = world.run("--json", "submit", "workflow.yaml")
            self.assertEqual(again.returncode, 0, again.stderr)
            view = harness.until("the second run ends", lambda: self._ended(world, "wf_2"))
            self.assertEqual(view["state"], "finished")
            simulated = view["steps"][0]["job"]["job"]
            tasks = world.get(f"/v1/jobs/{simulated}/tasks")["items"]
            self.assertEqual([task["attempts"] for task in tasks], [0] * 4)
            self.assertTrue(all(task["reused"]["verified"] is False for task in tasks))
            self.assertLess(int(view["charged"]), first)
            shown = world.run("receipt", "show", simulated)
            self.assertIn("was answered by the unverified result of lease_", shown.stdout)
            self.assertEqual(world.run("receipt", "verify", simulated).returncode, 0)
            world.check_books()

    def _ended(self, world: harness.World, flow: str) -> dict[str, object] | None:
        view = world.get(f"/v1/workflows/{flow}")
        return view if view["state"] != "open" else None

    def _check_handed_over(self, world: harness.World, price: bytes) -> None:
        receipt = world.get("/v1/jobs/job_2/receipt")
        paths = [one["path"] for one in receipt["step"]["handed_over"]]
        self.assertEqual(paths, [f"shards/{i}/shard.json" for i in range(4)])
        left = {one["blob"] for one in world.get("/v1/jobs/job_1/artifacts")["items"]}
        self.assertEqual({one["blob"] for one in receipt["step"]["handed_over"]}, left)
        report = world.get("/v1/jobs/job_3/receipt")["step"]["handed_over"]
        self.assertEqual([one["blob"] for one in report], [hashlib.sha256(price).hexdigest()])

    def test_a_failure_goes_down_to_those_who_cannot_do_without(self) -> None:
        with harness.World() as world:
            world.provider()
            (world.folder / "failing.yaml").write_text(FAILING)
            done = world.run("run", "failing.yaml")
            self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
            view = world.get("/v1/workflows/wf_1")
            self.assertEqual(view["state"], "failed")
            states = {one["step"]: (one["job"]["state"], one["job"]["reason"])
                      for one in view["steps"]}
            self.assertEqual(states, {"broken": ("failed", "exit_code"),
                                      "after": ("failed", "need_failed"),
                                      "tidy": ("finished", "completed")})
            self.assertEqual(world.balance()["held"], 0)
            world.check_books()

    def test_wrong_workflows_are_refused_with_their_place(self) -> None:
        with harness.World() as world:
            circle = FAILING.replace("broken: {command", "broken: {needs: [after], command")
            wrong = {"the steps wait for one another: after → broken → after": circle,
                     "did you mean broken?": FAILING.replace("needs: [broken]", "needs: [brokn]"),
                     "does not declare it": FAILING.replace("path: model}]\n  tidy",
                                                            "path: other}]\n  tidy"),
                     "did you mean resources?": FAILING.replace("resources:", "resource:")}
            for what, text in wrong.items():
                (world.folder / "wrong.yaml").write_text(text)
                done = world.run("submit", "wrong.yaml")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("wrong.yaml:", done.stderr)
                self.assertIn(what, done.stderr)
            self.assertEqual(world.get("/v1/workflows")["items"], [])

    def test_a_workflow_is_cancelled_explained_and_listed(self) -> None:
        with harness.World() as world:
            text = FAILING.replace('"exit 3"', '"sleep 600"')
            (world.folder / "slow.yaml").write_text(text)
            self.assertEqual(world.run("submit", "slow.yaml").returncode, 3)  # no quote, no cap
            world.provider()
            done = world.run("submit", "slow.yaml")
            self.assertEqual(done.stdout.strip(), "wf_1", done.stderr)
            why = world.run("why", "wf_1").stdout
            self.assertIn("after (job_2): waits for a step of its workflow: broken (job_1)", why)
            self.assertIn("wf_1", world.run("workflows").stdout)
            self.assertEqual(world.run("cancel", "wf_1").returncode, 0)
            view = json.loads(world.run("--json", "workflow", "wf_1").stdout)
            self.assertEqual(view["state"], "cancelled")
            self.assertEqual({one["job"]["reason"] for one in view["steps"]},
                             {"cancelled_by_buyer"})


if __name__ == "__main__":
    harness.main()
