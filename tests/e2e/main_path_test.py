#!/usr/bin/env python3
"""The way that everything is for: a sweep over two providers, from the job file to the receipt."""
from __future__ import annotations

import hashlib
import json
import unittest

import harness

SWEEP = """
name: sweep
command: [/bin/sh, -c, 'cat /in/data > /out/result; echo ${rate} >> /out/result; sleep 0.3;
    echo "{\\"metric\\":{\\"step\\":1,\\"score\\":${rate}}}" >&3; echo rate ${rate}']
inputs: [{path: ./data}]
outputs: [{path: result}]
tasks: {matrix: {rate: [1, 2, 3, 4]}}
result: {metric: score, best: max}
resources: {memory: 128MiB, disk: 64MiB}
"""


class MainPath(unittest.TestCase):
    def test_a_sweep_over_two_providers_is_ranked_checked_and_paid(self) -> None:
        with harness.World() as world:
            for _ in range(2):
                world.provider("--attempts", "1")
            (world.folder / "data").write_text("given\n")
            (world.folder / "job.yaml").write_text(SWEEP)
            done = world.run("run", "job.yaml", "-o", "results")
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = [line.split() for line in done.stdout.splitlines()]
            ranked = [row[:3] for row in rows if row[1:] and row[1].startswith("task_")]
            self.assertEqual([rank for rank, _, _ in ranked], ["1", "2", "3", "4"])
            self.assertIn("rate=4", " ".join(ranked[0]), done.stdout)
            self._check_artifacts(world)
            self._check_receipt(world)
            self._check_money(world)

    def _check_artifacts(self, world: harness.World) -> None:
        listed = world.get("/v1/jobs/job_1/artifacts")["items"]
        self.assertEqual(len(listed), 4)
        hashes = {hashlib.sha256(f"given\n{rate}\n".encode()).hexdigest() for rate in range(1, 5)}
        self.assertEqual({one["blob"] for one in listed}, hashes)
        files = [path for path in (world.folder / "results").rglob("*") if path.is_file()]
        loaded = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        self.assertEqual(loaded & hashes, hashes)

    def _check_receipt(self, world: harness.World) -> None:
        shown = world.run("--json", "receipt", "show", "job_1")
        (world.folder / "receipt.json").write_text(shown.stdout)
        signer = world.get("/v1/market")["key"]
        world.market.stop()
        verify = ("receipt", "verify", "receipt.json", "--market-key", signer)
        good = world.run(*verify)
        self.assertEqual(good.returncode, 0, good.stderr)
        receipt = json.loads(shown.stdout)
        receipt["lines"][0]["charge"] = str(int(receipt["lines"][0]["charge"]) + 1)
        (world.folder / "receipt.json").write_text(json.dumps(receipt))
        self.assertNotEqual(world.run(*verify).returncode, 0)
        world.market.start()

    def _check_money(self, world: harness.World) -> None:
        world.check_books()
        job = world.job("job_1")
        self.assertEqual(int(job["charged"]) + int(job["released"]), int(job["hold"]))
        earned = [int(one["earned"]) for one in world.get("/v1/providers")["items"]]
        self.assertEqual(len(earned), 2)
        self.assertGreater(min(earned), 0)
        fees = int(world.get("/v1/books")["balances"].get("fees", "0"))
        self.assertEqual(sum(earned) + fees, int(job["charged"]))
        self.assertEqual(world.balance()["available"],
                         100 * harness.CREDIT - int(job["charged"]))


if __name__ == "__main__":
    harness.main()
