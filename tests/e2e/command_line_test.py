#!/usr/bin/env python3
"""The command line as a stranger meets it."""
from __future__ import annotations

import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import unittest

import harness

USAGE, REFUSED, NO_FUNDS = 2, 3, 5
MIB = 1 << 20
SMALL = ("--memory", "128MiB", "--disk", "64MiB")
SPEAKS = """
echo '{"log":"by three"}' >&3
for i in 1 2 3 4 5 6 7 8 9 10 11 12
do echo '{"metric":{"step":'$i',"loss":0.5}}' >&3; sleep 0.3; done
printf half
"""


class BreakingLine:
    """Between a client and a market: cuts the first upload off after so many bytes, and counts."""

    def __init__(self, url: str, cut_after: int) -> None:
        self.target = ("127.0.0.1", int(url.rpartition(":")[2]))
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.cut_after, self.bytes, self.cuts = cut_after, 0, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            market = socket.create_connection(self.target)
            threading.Thread(target=self._up, args=(client, market), daemon=True).start()
            threading.Thread(target=self._down, args=(market, client), daemon=True).start()

    def _up(self, client: socket.socket, market: socket.socket) -> None:
        mine, its = f"127.0.0.1:{self.port}".encode(), f"127.0.0.1:{self.target[1]}".encode()
        passed = 0
        try:
            while data := client.recv(1 << 16):
                self.bytes += len(data)
                passed += len(data)
                market.sendall(data.replace(mine, its))
                if passed > self.cut_after and self.cuts == 0:
                    self.cuts += 1
                    break
        except OSError:
            pass
        for end in (client, market):
            with_shutdown(end)

    @staticmethod
    def _down(market: socket.socket, client: socket.socket) -> None:
        try:
            while data := market.recv(1 << 16):
                client.sendall(data)
        except OSError:
            pass
        with_shutdown(client)


def with_shutdown(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


class CommandLine(unittest.TestCase):
    def test_a_command_that_is_none_is_told_also_with_help(self) -> None:
        with harness.World() as world:
            for words, near in ((["jbos", "--help"], "jobs"), (["--help", "jbos"], "jobs"),
                                (["account", "shwo", "--help"], "show"), (["jbos"], "jobs")):
                with self.subTest(words):
                    done = world.run(*words)
                    self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
                    self.assertIn(f"did you mean {near}?", done.stderr)
            done = world.run("account")
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("expected a command: create, list, show", done.stderr)
            self.assertEqual(world.run("account", "show", "--help").returncode, 0)

    def test_a_wrong_value_is_refused_with_what_was_wanted_and_what_came(self) -> None:
        cases = {
            ("jobs", "--state", "opne"): "did you mean open?",
            ("jobs", "-n", "0"): 'expected a whole number from 1 to 1000000, got "0"',
            ("run", "--cores", "two", "--", "true"): 'got "two"',
            ("run", "--max-total", "0", "--", "true"): "above zero, got 0",
            ("job", "jbo_1"): 'like "job_3f9k", got "jbo_1"',
            ("up", "--credit", "much"): '--credit: expected an amount of credit',
            ("provide", "--memory", "much"): '--memory: expected a size',
            ("--config", "nowhere.yaml", "jobs"): "nowhere.yaml (--config): there is no such file",
        }
        with harness.World() as world:
            for words, told in cases.items():
                with self.subTest(words):
                    done = world.run(*words)
                    self.assertEqual(done.returncode, USAGE, done.stderr)
                    self.assertIn(told, done.stderr)
            done = world.run("run", "--", "./nothing")
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("./nothing: there is no such file to send", done.stderr)
            done = world.run("account", "list")
            self.assertEqual(done.returncode, REFUSED)
            self.assertIn("--key-file", done.stderr)
            done = world.run("job", "job_99")
            self.assertIn("`shoal jobs` lists yours", done.stderr)

    def test_too_little_credit_is_told_in_credit(self) -> None:
        with harness.World() as world:
            done = world.run("run", "--max-total", "1000", "--", "true")
            self.assertEqual(done.returncode, NO_FUNDS, done.stderr)
            self.assertIn("the job sets 1000 credit aside, and 100 credit is available",
                          done.stderr)

    def test_metrics_and_log_reports_are_shown_where_no_bar_can_be(self) -> None:
        with harness.World() as world:
            world.provider()
            done = world.run("run", *SMALL, "--", "/bin/sh", "-c", SPEAKS)
            self.assertEqual(done.returncode, 0, done.stderr)
            shown = re.findall(r"^· task_1: step \d+  loss 0\.5$", done.stderr, re.MULTILINE)
            self.assertIn(len(shown), (1, 2), done.stderr)  # now and then, not each
            self.assertEqual(world.run("logs", "job_1").stdout, "by three\nhalf\n")

    def test_a_program_of_this_machine_is_uploaded_with_its_job(self) -> None:
        with harness.World() as world:
            world.provider()
            train = world.folder / "train"
            train.write_text('#!/bin/sh\necho "trained $*"\n')
            train.chmod(0o755)
            done = world.run("run", *SMALL, "--", "./train", "--rate", "0.1")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("trained --rate 0.1", done.stdout)

    def test_a_statement_says_what_was_charged_for_which_task(self) -> None:
        with harness.World() as world:
            world.provider()
            self.assertEqual(world.run("run", *SMALL, "--", "sleep", "0.3").returncode, 0)
            charged = int(world.job("job_1")["charged"])
            lines = world.cli("account", "statement")
            paid = [line for line in lines if line["transfer"]["purpose"].startswith("charge")]
            self.assertEqual(sum(int(line["transfer"]["amount"]) for line in paid), charged)
            self.assertEqual({(line["task"], line["provider"]) for line in paid},
                             {("task_1", "prov_1")})
            self.assertEqual(int(lines[-1]["balance"]), world.balance()["available"])
            shown = world.run("account", "statement").stdout
            self.assertRegex(shown, r"charge: prov_1 +job_1 +task_1 +- +0\.0")

    def test_an_upload_that_breaks_goes_on_from_where_it_broke(self) -> None:
        with harness.World() as world:
            size = 24 * MIB
            (world.folder / "big").write_bytes(os.urandom(size))
            (world.folder / "job.json").write_text(json.dumps({
                "name": "big", "command": ["true"], "inputs": [{"path": "big"}],
                "price": {"max_total": "1000000"}}))
            line = BreakingLine(world.market.url, 10 * MIB)
            done = self._submit_by(world, line)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(line.cuts, 1)
            self.assertLess(line.bytes, size + 4 * MIB)
            self.assertEqual(world.job("job_1")["state"], "open")

    def _submit_by(self, world: harness.World, line: BreakingLine
                   ) -> subprocess.CompletedProcess[str]:
        key: pathlib.Path = world.key_file("buyer")
        return subprocess.run(
            [harness.program, "--market", f"http://127.0.0.1:{line.port}", "--key-file", str(key),
             "submit", "job.json"], env=world.environment, cwd=world.folder, check=False,
            capture_output=True, encoding="utf-8", timeout=harness.WAIT_S)


if __name__ == "__main__":
    harness.main()
