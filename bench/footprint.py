#!/usr/bin/env python3
"""How little an idle market and provider need, how big the program is, and how long it takes from
an empty folder to a result.

usage: footprint.py BUILD [SECONDS of idleness, 600 if absent]
"""
import json
import pathlib
import re
import sys
import time

from common import (ROOT, Installation, Missed, cpu_seconds, demand, is_stripped, main,
                    memory_bytes, scratch, show, verdict)

IDLE_SECONDS = 600
SETTLING_SECONDS = 5
MEMORY_MAX = 20_000_000
CPU_MAX = 0.001
BINARY_MAX = 20 << 20
RESULT_SECONDS_MAX = 120
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")


def check_binary(build):
    binary = build / "shoal"
    size = binary.stat().st_size
    demand(is_stripped(binary), f"{binary} has symbols: not the release build?")
    return verdict(size <= BINARY_MAX, f"the stripped binary has {size / (1 << 20):.1f} MiB; at "
                                       f"most {BINARY_MAX >> 20} are wanted")


def check_idle(build, seconds):
    with scratch("footprint") as folder, \
            Installation(build / "shoal", folder, "--providers", "1") as installation:
        said = installation.run("run", "--", "echo", "warm")
        demand("warm" in said, f"the job did not print: {said}")
        time.sleep(SETTLING_SECONDS)
        watched = {role: installation.processes[role] for role in ("market", "provider-1")}
        before = {role: cpu_seconds(pid) for role, pid in watched.items()}
        start = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - start
        rows, good = [], True
        for role, pid in watched.items():
            pss, rss = memory_bytes(pid)
            share = (cpu_seconds(pid) - before[role]) / passed
            rows.append((role, f"{pss / 1e6:.1f} MB", f"{rss / 1e6:.1f} MB", f"{share:.4%}"))
            good = good and pss <= MEMORY_MAX and share <= CPU_MAX
    show(f"idle for {passed:.0f} s: PSS, RSS, CPU", rows)
    return verdict(good, f"each at most {MEMORY_MAX / 1e6:.0f} MB of PSS and {CPU_MAX:.1%} of a "
                         "core is wanted")


def job_file(build, folder):
    """The example's own job, with the program of the build that is measured."""
    text = (ROOT / "examples/fashion-sweep/job.yaml").read_text()
    demand("../../build/release/" in text, "the example names no program of a build")
    file = folder / "job.yaml"
    file.write_text(text.replace("../../build/release", str(build)))
    return str(file)


def check_first_result(build):
    """What the quickstart does after the build, with a folder that is new."""
    demand(DATA.is_dir(), f"{DATA} is missing: apt install dataset-fashion-mnist")
    with scratch("first") as folder:
        start = time.monotonic()
        with Installation(build / "shoal", folder, "--providers", "2") as installation:
            up = time.monotonic()
            said = installation.run("run", job_file(build, folder))
            ran = time.monotonic()
            installation.run("account", "statement")
            took = time.monotonic() - start
            job = re.search(r"job_[0-9a-z]+", said)
            demand(job, f"no job was named: {said}")
            check_sweep(installation, job[0])
    show("from an empty folder to a result",
         [("a market and two providers are up", f"{up - start:.1f} s"),
          ("the sweep's eight tasks", f"{ran - up:.1f} s"),
          ("in all, with the account's statement", f"{took:.1f} s")])
    return verdict(took <= RESULT_SECONDS_MAX, f"at most {RESULT_SECONDS_MAX} s is wanted")


def check_sweep(installation, job):
    rest = installation.rest("buyer")
    view = rest.ask("GET", f"/v1/jobs/{job}")
    tasks = list(rest.pages(f"/v1/jobs/{job}/tasks"))
    demand(view["state"] == "finished" and len(tasks) == 8, json.dumps(view))
    demand(view["best"]["value"] > 0.8, f"the best accuracy is {view['best']}")
    charged = sum(int(one["charge"]) for one in rest.pages(f"/v1/jobs/{job}/attempts"))
    demand(charged == int(view["charged"]) > 0, f"{charged} is not {view['charged']}")
    demand(int(view["hold"]) == charged + int(view["released"]), json.dumps(view))
    books = installation.rest("operator").ask("GET", "/v1/books")
    demand(int(books["sum"]) == 0, f"the books do not add up: {books}")


def measure(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    seconds = float(arguments[1]) if len(arguments) > 1 else IDLE_SECONDS
    results = []
    for check, words in ((check_binary, [build]), (check_first_result, [build]),
                         (check_idle, [build, seconds])):
        try:
            results.append(check(*words))
        except Missed as missed:
            print(f"the answers are wrong: {missed}")
            results.append(False)
    return all(results)


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
