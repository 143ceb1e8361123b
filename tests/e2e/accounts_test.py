#!/usr/bin/env python3
"""What accounts may do, as their owners and the operator meet it on the command line."""
from __future__ import annotations

import csv
import io
import json
import unittest

import harness

USAGE, REFUSED, NO_FUNDS = 2, 3, 5
SMALL = ("--memory", "128MiB", "--disk", "64MiB")


class Accounts(unittest.TestCase):
    def test_limits_freezing_transfer_and_the_end_of_an_account(self) -> None:
        with harness.World() as world:
            buyer = world.accounts["buyer"]
            other = world.open_account("other", "buyer") and world.accounts["other"]
            self._check_limits(world, buyer)
            self._check_freezing(world, buyer)
            self._check_transfer(world, other)
            self._check_statement(world)
            self._check_rate(world)
            self._check_erasure(world, buyer)
            self._check_audit(world, buyer)

    def _check_limits(self, world: harness.World, buyer: str) -> None:
        world.cli("account", "limit", "--account", buyer, "--budget-total", "10", "--jobs", "3",
                  role="operator")
        shown = world.cli("account", "limit", "--budget-day", "2", "--blobs", "1GiB")
        self.assertEqual(shown["most"]["budget_total"], str(10 * 10**9))
        self.assertEqual(shown["own"]["budget_day"], str(2 * 10**9))
        done = world.run("run", *SMALL, "--max-total", "2.5", "--", "true")
        self.assertEqual(done.returncode, NO_FUNDS, done.stderr)
        self.assertIn("budget_day: the account's limit is 2 credit, of which 0 credit is used; the "
                      "job needs 2.5 credit", done.stderr)
        done = world.run("account", "limit", "--jobs", "4")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("at most what the operator allows, 3", done.stderr)
        world.cli("account", "limit", "--budget-day", "none")
        self.assertIn("budget total", world.run("account", "limit").stdout)

    def _check_freezing(self, world: harness.World, buyer: str) -> None:
        job = world.submit("waits", command=["/bin/true"], price={"max_total": "1000"})
        world.cli("account", "freeze", buyer, "--reason", "unpaid bill", role="operator")
        done = world.run("run", *SMALL, "--max-total", "1", "--", "true")
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("the account is frozen: unpaid bill", done.stderr)
        self.assertIn("its account is frozen", world.run("why", job).stdout)
        self.assertIn("frozen: unpaid bill", world.run("account", "show").stdout)
        world.cli("account", "unfreeze", buyer, role="operator")
        self.assertNotIn("frozen", world.run("account", "show").stdout)
        world.cli("cancel", job)

    def _check_transfer(self, world: harness.World, other: str) -> None:
        world.cli("account", "transfer", "--to", other, "2.5")
        self.assertEqual(world.cli("account", "show", role="other")["available"], str(25 * 10**8))
        done = world.run("account", "transfer", "--to", other, "1000")
        self.assertEqual(done.returncode, NO_FUNDS, done.stderr)

    def _check_statement(self, world: harness.World) -> None:
        text = world.run("account", "statement", "--csv").stdout
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual({row["purpose"] for row in rows},
                         {"credit_issued", "hold_placed", "hold_released", "credit_transferred"})
        available = world.cli("account", "show")["available"]
        self.assertEqual(str(sum(int(row["change"]) for row in rows)), available)
        self.assertEqual(rows[-1]["balance"], available)
        lines = world.run("account", "statement", "--jsonl").stdout.splitlines()
        self.assertEqual([json.loads(line)["transfer"]["id"] for line in lines],
                         [row["transfer"] for row in rows])
        later = rows[-1]["time"][:19]
        part = world.run("account", "statement", "--csv", "--until", later).stdout
        rest = world.run("account", "statement", "--csv", "--since", later).stdout
        self.assertEqual(len(part.splitlines()) + len(rest.splitlines()), len(rows) + 2)
        self.assertEqual(world.run("account", "statement", "--csv", "--jsonl").returncode, USAGE)
        self.assertEqual(world.run("account", "statement", "--since", "soon").returncode, USAGE)

    def _check_rate(self, world: harness.World) -> None:
        key = world.cli("account", "key", "list")[0]["key"]
        world.cli("account", "key", "limit", key, "--rate", "1", "--burst", "2", role="operator")
        answers = [world.ask("GET", "/v1/accounts/me", "buyer") for _ in range(4)]
        refused = [answer for answer in answers if answer.status == 429]
        self.assertTrue(refused, [answer.status for answer in answers])
        self.assertEqual(refused[0].json()["code"], "exhausted")
        self.assertEqual(refused[0].headers["retry-after"], "1")
        # The command line waits as long as it is told.
        self.assertEqual(world.run("account", "show").returncode, 0)
        world.cli("account", "key", "limit", key, role="operator")

    def _check_erasure(self, world: harness.World, buyer: str) -> None:
        done = world.run("account", "erase", "--give-up-balance")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--yes", done.stderr)
        done = world.run("account", "erase", "--yes")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("credit is left", done.stderr)
        world.cli("account", "erase", "--give-up-balance", "--yes")
        self.assertEqual(world.ask("GET", "/v1/accounts/me", "buyer").status, 401)
        self.assertIn("erased", world.run("account", "show", "--account", buyer,
                                          role="operator").stdout)

    def _check_audit(self, world: harness.World, buyer: str) -> None:
        actions = world.cli("audit", "--subject", buyer, role="operator")
        routes = [action["route"] for action in actions]
        self.assertEqual(routes.count("PUT /v1/accounts/{account}/frozen"), 2)
        self.assertIn("POST /v1/accounts/{account}/credit", routes)
        self.assertEqual(routes[-1], "POST /v1/accounts")
        self.assertIn("unpaid bill", world.run("audit", role="operator").stdout)
        self.assertEqual(world.run("audit", role="other").returncode, REFUSED)


if __name__ == "__main__":
    harness.main()
