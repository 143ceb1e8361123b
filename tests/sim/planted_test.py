#!/usr/bin/env python3
"""Plants each bug of the simulated shell; some seed must catch it. usage: planted_test.py SHOAL"""
import json
import re
import subprocess
import sys
import unittest

SHOAL = sys.argv.pop(1) if len(sys.argv) > 1 else "build/dev/shoal"
SEEDS = 150  # a torn write needs a crash, or a failure, amid a batch: the others are caught soon


def simulate(*words):
    return subprocess.run([SHOAL, "simulate", *words], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=500)


def planted():
    """The names of the bugs, as the program lists them."""
    answer = simulate("--plant", "?")
    return re.search(r"There are (.*)\.", answer.stderr)[1].split(", ")


class Planted(unittest.TestCase):
    def test_there_are_enough_bugs_and_all_are_listed(self):
        names = planted()
        self.assertGreaterEqual(len(names), 10)
        with open(__file__.rsplit("/", 1)[0] + "/README.md", encoding="utf-8") as readme:
            text = readme.read()
        for name in names:
            self.assertIn(f"`{name}`", text)

    def test_each_bug_is_caught(self):
        for name in planted():
            with self.subTest(bug=name):
                done = simulate("--plant", name, "--seeds", str(SEEDS), "--days", "0.0006",
                                "--processes", "2", "--no-account")
                print(f"{name}: {done.stdout.splitlines()[0] if done.stdout else done.stderr}")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("breaks a promise", done.stdout)

    def test_several_processes_find_what_one_finds(self):
        found = []
        for processes in ("1", "3"):
            done = simulate("--seeds", "7", "--days", "0.0002", "--processes", processes, "--json")
            self.assertEqual(done.returncode, 0, done.stdout)
            found.append(json.loads(done.stdout))
            del found[-1]["seconds"]
        self.assertEqual(found[0], found[1])

    def test_a_failing_seed_is_made_small_and_can_be_played_again(self):
        done = simulate("--plant", "commit_skipped", "--seeds", str(SEEDS), "--days", "0.0006",
                        "--json")
        self.assertEqual(done.returncode, 1)
        broken = json.loads(done.stdout)
        self.assertTrue(broken["is_repeatable"])
        self.assertTrue(broken["account"])
        once_more = simulate(*broken["again"].split()[2:], "--no-account")
        self.assertEqual(once_more.returncode, 1, once_more.stdout)
        self.assertIn(broken["again"], once_more.stdout)


if __name__ == "__main__":
    unittest.main()
