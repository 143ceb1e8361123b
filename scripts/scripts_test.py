#!/usr/bin/env python3
"""The scripts count and list what is true."""
import importlib.util
import os
import pathlib
import subprocess
import sys
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent


def load(path):
    spec = importlib.util.spec_from_file_location("stages", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class CountTest(unittest.TestCase):
    count_cases = staticmethod(load(SCRIPTS / "lib/test.py").count_cases)

    def doctest(self, passed, failed):
        return (f"[doctest] test cases: {passed + failed} | {passed} passed | {failed} failed |"
                " 0 skipped\n[doctest] assertions: 90 | 90 passed | 0 failed |\n")

    def test_test_cases_are_counted_not_programs_or_assertions(self):
        self.assertEqual(self.count_cases(self.doctest(12, 0), True), (12, 0))
        self.assertEqual(self.count_cases(self.doctest(10, 2), False), (10, 2))

    def test_a_program_that_ends_badly_after_its_summary_counts_as_a_failure(self):
        self.assertEqual(self.count_cases(self.doctest(12, 0), False), (12, 1))

    def test_a_program_that_says_nothing_counts_once(self):
        self.assertEqual(self.count_cases("", True), (1, 0))
        self.assertEqual(self.count_cases("Segmentation fault", False), (0, 1))

    def test_python_tests_are_counted(self):
        self.assertEqual(self.count_cases("Ran 7 tests in 1.0s\n\nOK\n", True), (7, 0))
        self.assertEqual(
            self.count_cases("Ran 7 tests in 1.0s\n\nFAILED (failures=1, errors=2)\n", False), (4, 3))

    def test_a_skipped_test_has_not_passed(self):
        self.assertEqual(self.count_cases("Ran 7 tests in 1.0s\n\nOK (skipped=2)\n", True), (5, 0))


class VerifyTest(unittest.TestCase):
    def verify(self, *arguments):
        return subprocess.run([sys.executable, SCRIPTS / "verify", *arguments], check=False,
                              capture_output=True, text=True)

    def test_every_check_can_be_run_and_explains_itself(self):
        listed = self.verify("--list").stdout.splitlines()
        names = sorted(os.listdir(SCRIPTS / "verify.d"))
        self.assertEqual([line.split()[0] for line in listed], names)
        for line in listed:
            self.assertGreater(len(line.split()), 4, line)

    def test_an_unknown_name_runs_nothing(self):
        done = self.verify("tidy-all", "nonsense")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("nonsense", done.stderr)


if __name__ == "__main__":
    unittest.main()
