#!/usr/bin/env python3
"""The stages of scripts/test after its packages are there: build, tests, simulation, fuzz, tidy."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/dev"
FUZZ_RUNS = 20_000  # of each target; longer runs are for `scripts/verify fuzz-long`
SIMULATION_SEEDS = 200  # each played twice; longer runs are for `scripts/verify simulate`
SIMULATION_DAYS = 0.0004  # of each, under faults
LINT_SECONDS_MAX = 600  # clang-tidy of what changed; the rest is for `scripts/verify tidy-all`


class Count:
    """What passed and what failed, in test cases."""

    def __init__(self):
        self.passed = self.failed = 0
        self.broken = []

    def add(self, passed, failed, name):
        self.passed += passed
        self.failed += failed
        if failed:
            self.broken.append(name)

    def add_check(self, good, name):
        self.add(int(good), int(not good), name)


def run(*command, **options):
    """Whether the command ended well; what it prints goes through."""
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, check=False, **options).returncode == 0


def count_cases(output, good):
    """The test cases that one test program says have passed and failed."""
    doctest = re.search(r"\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed", output)
    unittest = re.search(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    if doctest:
        passed, failed = int(doctest[1]), int(doctest[2])
    elif unittest:
        ended = re.search(r"^(?:OK|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
        numbers = dict(re.findall(r"(\w+)=(\d+)", ended[1] or "")) if ended else {}
        failed = int(numbers.get("failures", 0)) + int(numbers.get("errors", 0))
        passed = int(unittest[1]) - failed - int(numbers.get("skipped", 0))
    else:
        passed, failed = int(good), 0
    if not good and failed == 0:
        failed = 1  # it crashed, ran out of time, or a sanitizer spoke at its end
    return passed, failed


def build(count, jobs):
    environment = {**os.environ, "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    good = run("cmake", "--preset", "dev", "-DSHOAL_FUZZ=ON",
               f"-DPython3_EXECUTABLE={sys.executable}", env=environment)
    good = good and run("cmake", "--build", BUILD, "--parallel", str(jobs))
    count.add_check(good, "build")
    return good


def tests(count, jobs):
    report = BUILD / "tests.xml"
    report.unlink(missing_ok=True)
    run("ctest", "--test-dir", BUILD, "--parallel", str(jobs), "--output-on-failure",
        "--timeout", "600", "--output-junit", report, "--test-output-size-passed", "100000000")
    if not report.exists():
        count.add_check(False, "ctest")
        return
    for case in xml.parse(report).getroot().iter("testcase"):
        if case.get("status") == "disabled":
            print(f"switched off: {case.get('name')}")
            continue
        good = case.get("status") == "run"
        count.add(*count_cases(case.findtext("system-out") or "", good), case.get("name"))


def simulation(count, jobs):
    """Every promise is kept, and everything that may happen has happened."""
    good = run(BUILD / "shoal", "simulate", "--seeds", str(SIMULATION_SEEDS),
               "--days", str(SIMULATION_DAYS), "--processes", str(jobs), "--cover")
    count.add_check(good, "simulation")


def fuzz_one(target, found):
    """Whether a target stood its runs, its log and the seconds that they took."""
    corpus = ROOT / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
    settings = [f"-runs={FUZZ_RUNS}", "-seed=1", "-timeout=20", "-rss_limit_mb=2048",
                f"-artifact_prefix={found}/{target.name}-"]
    with tempfile.TemporaryDirectory() as fresh, tempfile.TemporaryFile("w+") as log:
        start = time.monotonic()
        good = run(target, *settings, fresh, corpus, stdout=log, stderr=log)
        log.seek(0)
        return good, log.read(), time.monotonic() - start


def fuzz(count, jobs):
    """New inputs from each corpus, which ctest has replayed already."""
    targets = sorted(file for file in BUILD.rglob("fuzz_*") if file.is_file() and
                     os.access(file, os.X_OK) and "CMakeFiles" not in file.parts)
    if not targets:
        print("no fuzz target was built")
        count.add_check(False, "fuzz targets")
    found = BUILD / "fuzz_findings"
    found.mkdir(exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        started = {pool.submit(fuzz_one, target, found): target for target in targets}
        for done in concurrent.futures.as_completed(started):
            good, log, seconds = done.result()
            name = started[done].name
            print(f"{name}: {'good' if good else 'FAILED'}, {seconds:.0f} s", flush=True)
            print("" if good else log[-5000:], end="")
            count.add_check(good, name)


def tidy(count, base, jobs):
    count.add_check(run("tools/tidy"), "tools/tidy")
    for test in ("tools/tidy_test.py", "scripts/scripts_test.py"):
        done = subprocess.run([sys.executable, test], cwd=ROOT, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(done.stdout[-5000:], end="")
        count.add(*count_cases(done.stdout, done.returncode == 0), test)
    scripts = [file for file in sorted([*ROOT.glob("scripts/**/*"), ROOT / ".ci/run"])
               if file.is_file() and re.match(rb"#!.*sh\b|# shellcheck", file.read_bytes()[:80])]
    count.add_check(run("shellcheck", "--external-sources", *scripts), "shellcheck")
    count.add_check(run("tools/lint", "--format-only"), "clang-format")
    changed = ["--changed", base] if base else []
    count.add_check(run("tools/lint", *changed, "--jobs", str(jobs),
                        "--seconds", str(LINT_SECONDS_MAX)), "tools/lint")


def last_base():
    """Where this branch left main; on main itself the last commit's parent; None if there is none."""
    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=ROOT, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout.strip()

    head = git("rev-parse", "HEAD")
    for main in ("origin/main", "main"):
        base = git("merge-base", "HEAD", main)
        if base and base != head:
            return base
    return git("rev-parse", "--verify", "--quiet", "HEAD~1") or None


def main():
    parser = argparse.ArgumentParser(description="The stages of scripts/test.")
    parser.add_argument("--base", default=last_base(), metavar="COMMIT",
                        help="clang-tidy looks at what differs from here")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--install-seconds", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    count = Count()
    times = {"install": arguments.install_seconds}

    def stage(name, work, *details):
        print(f"== {name}", flush=True)
        start = time.monotonic()
        result = work(count, *details)
        times[name] = time.monotonic() - start
        print(f"== {name}: {times[name]:.0f} s", flush=True)
        return result

    if stage("build", build, arguments.jobs):
        stage("tests", tests, arguments.jobs)
        stage("simulation", simulation, arguments.jobs)
        stage("fuzz", fuzz, arguments.jobs)
        stage("tidy", tidy, arguments.base, arguments.jobs)
    print("\n" + "  ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items()))
    for name in count.broken:
        print(f"failed: {name}")
    print(f"{count.passed} passed, {count.failed} failed")
    return count.failed > 0


if __name__ == "__main__":
    sys.exit(main())
