#!/usr/bin/env python3
"""Attacks the sandbox from inside, and requires that every probe is stopped.

Each probe runs as an attempt of its own, through a shim, as a provider would run it. It also runs
bare, in no sandbox: a probe that is stopped there too proves nothing on this machine, and is named.
As root the suite runs once more as an ordinary user with control groups delegated to it.

usage: attack_test.py --attack PROGRAM --host PROGRAM [--setuid COPY]
Exit code 77: this machine cannot isolate anything for this user, so there was nothing to test.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

NOBODY = 65534
SKIPPED = 77
PROVEN_AS_ROOT_MIN = 40  # of the probes, bare, with a root's rights
ORPHAN = "sleep\x0098765"
STOPPING_REASONS = {"out_of_memory_job", "disk_limit", "process_limit", "output_limit"}
# Bare, these would reach beyond the probe: they fill the real disk or the real memory.
NEVER_BARE = {"disk_fill_usr", "disk_fill_root", "disk_fill_shm"}


class Suite:
    def __init__(self, attack, host, setuid):
        self.attack = attack
        self.host = host
        self.setuid = setuid
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shoal-attack-"))
        self.failures = []
        self.number = 0
        self.environment = {**os.environ, "SHOAL_SECRET_CANARY": "secret"}

    def check(self, holds, what):
        print(("ok      " if holds else "FAILED  ") + what, flush=True)
        if not holds:
            self.failures.append(what)

    def attempt(self, command, **spec):
        """A folder with an attempt.json that runs the command."""
        self.number += 1
        folder = self.folder / f"attempt-{self.number}"
        folder.mkdir(mode=0o700)
        inputs = [{"as": "attack", "source": self.attack}]
        if self.setuid:
            inputs.append({"as": "attack.setuid", "source": self.setuid})
        body = {
            "command": command,
            "environment": {"PATH": "/usr/bin:/bin"},
            "inputs": inputs,
            "resources": {"cores": 1, "memory": "256MiB", "disk": "128MiB"},
            "time_max": 120_000,
            "lease_left": 120_000,
            "processes_max": 64,
            **spec,
        }
        (folder / "attempt.json").write_text(json.dumps(body))
        return folder

    def run(self, command, **spec):
        """The outcome of an attempt, and what it printed."""
        folder = self.attempt(command, **spec)
        subprocess.run([self.host, "shim", folder], env=self.environment, check=True,
                       stdin=subprocess.DEVNULL)
        outcome = json.loads((folder / "outcome.json").read_text())
        log = folder / "log"
        return outcome, log.read_bytes() if log.exists() else b""

    def sweep(self):
        return int(subprocess.run([self.host, "sweep"], check=True, capture_output=True).stdout)


def processes_with(text):
    """The processes whose command line holds the text."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if text in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    found.append(int(entry.name))
    return found


@contextlib.contextmanager
def victims(folder):
    """What the probes aim at: a process, a port, two sockets."""
    path = str(folder / "victim.sock")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in (path, "\0shoal-victim"):
            victim = stack.enter_context(socket.socket(socket.AF_UNIX))
            victim.bind(address)
            victim.listen()
        sleeper = subprocess.Popen(["sleep", "98766"])
        stack.callback(lambda: (sleeper.kill(), sleeper.wait()))
        yield [str(sleeper.pid), str(listener.getsockname()[1]), path]


def verdict_of(log, name):
    """What the probe said; nothing if it did not come to that."""
    for line in log.decode(errors="replace").splitlines():
        words = line.split(" ", 2)
        if len(words) >= 2 and words[0] == name:
            return words[1], words[2] if len(words) > 2 else ""
    return None, ""


def attack_inside(suite, names, target):
    """Every probe in the sandbox."""
    for name in names:
        outcome, log = suite.run(["/in/attack", *target, name])
        verdict, detail = verdict_of(log, name)
        if verdict is None and outcome["reason"] in STOPPING_REASONS:
            verdict, detail = "STOPPED", outcome["reason"]
        wanted = "OUTSIDE" if name == "orphan_daemon" else "STOPPED"
        suite.check(verdict == wanted, f"{name}: {verdict or outcome} {detail}".strip())
    suite.check(not processes_with(ORPHAN), "the daemon that a job left behind is dead")


def attack_bare(suite, names, target):
    """Every probe without a sandbox, in a mount namespace so that it mounts over nothing of ours."""
    bare = suite.folder / "bare"
    bare.mkdir()
    program = bare / "attack"
    shutil.copy(suite.attack, program)
    if suite.setuid:
        shutil.copy(suite.setuid, bare / "attack.setuid")
        os.chmod(bare / "attack.setuid", 0o4755)
    prefix = ["unshare", "--mount"] if os.geteuid() == 0 else []
    allowed = set()
    leak = os.open("/dev/null", os.O_RDONLY)
    high = os.dup2(leak, 9)
    for name in names:
        if name in NEVER_BARE:
            continue
        done = subprocess.run([*prefix, program, *target, name], capture_output=True, check=False,
                              env=suite.environment, pass_fds=[high], timeout=120)
        verdict, _ = verdict_of(done.stdout, name)
        if verdict in ("ALLOWED", "OUTSIDE"):
            allowed.add(name)
    orphans = processes_with(ORPHAN)
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    suite.check(bool(orphans), "bare, the daemon lives on: that the sandbox's dies means something")
    silent = [name for name in names if name not in allowed]
    print(f"bare, {len(allowed)} of {len(names)} probes get through; these prove nothing here: "
          + " ".join(silent))
    return len(allowed)


def flood_log(suite):
    size = 300_000_000
    limit = 1 << 20
    outcome, log = suite.run(["head", "-c", str(size), "/dev/zero"], limits={"log": "1MiB"})
    suite.check(outcome["reason"] == "completed" and len(log) == limit
                and outcome["log_dropped_bytes"] == size - limit,
                "a flood of log is cut at its limit, and what was dropped is counted")


def kill_shim(suite):
    """SIGKILL to the shim: nobody of the job lives on, and the next sweep finds its groups."""
    folder = suite.attempt(["sleep", "98765"])
    started = subprocess.run([suite.host, "start", folder], check=True, capture_output=True,
                             env=suite.environment)
    shim = int(started.stdout)
    until(lambda: processes_with(ORPHAN))
    suite.check(suite.sweep() == 0, "a sweep leaves the groups of living shims alone")
    os.kill(shim, signal.SIGKILL)
    suite.check(until(lambda: not processes_with(ORPHAN)), "a killed shim takes its job along")
    suite.check(until(lambda: not pathlib.Path(f"/proc/{shim}").exists() or is_dead(shim)),
                "the killed shim is gone")
    suite.check(suite.sweep() == 1 and suite.sweep() == 0, "a sweep removes what it left")


def is_dead(pid):
    with contextlib.suppress(OSError):
        return ") Z " in pathlib.Path(f"/proc/{pid}/stat").read_text()
    return True


def until(condition, patience=20.0):
    """Whether the condition comes true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def run_suite(attack, host, setuid):
    suite = Suite(attack, host, setuid)
    try:
        names = subprocess.run([attack, "list"], check=True, capture_output=True,
                               text=True).stdout.split()
        with victims(suite.folder) as target:
            attack_inside(suite, names, target)
            bare = attack_bare(suite, names, target)
        if os.geteuid() == 0:
            suite.check(bare >= PROVEN_AS_ROOT_MIN, f"{bare} probes get through bare")
        flood_log(suite)
        kill_shim(suite)
        suite.check(suite.sweep() == 0, "no control group is left")
    finally:
        shutil.rmtree(suite.folder, ignore_errors=True)
    print(f"{len(names)} probes, {len(suite.failures)} failures")
    return not suite.failures


@contextlib.contextmanager
def delegated_groups(host):
    """Control groups that an ordinary user may use, as a service manager would delegate them."""
    folders = subprocess.run([host, "groups"], check=True, capture_output=True,
                             text=True).stdout.split()
    own = [pathlib.Path(folder) / "shoal-attack-user" for folder in folders]
    for folder in own:
        folder.mkdir()
        for path in [folder, *(folder / name for name in
                               ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"))]:
            if path.exists():
                os.chown(path, NOBODY, NOBODY)
    try:
        yield own
    finally:
        for folder in own:
            for leaf in folder.glob("shoal-*"):
                leaf.rmdir()
            folder.rmdir()


def run_as_user(arguments):
    """The suite again, as nobody."""
    with tempfile.TemporaryDirectory(prefix="shoal-attack-") as place:
        os.chmod(place, 0o755)
        programs = {}
        for name in ("attack", "host"):
            programs[name] = shutil.copy(getattr(arguments, name), place)
        script = shutil.copy(__file__, place)
        setuid = shutil.copy(arguments.attack, pathlib.Path(place) / "setuid")
        os.chmod(setuid, 0o4755)
        with delegated_groups(arguments.host) as groups:
            def become_user():
                for group in groups:
                    (group / "cgroup.procs").write_text(str(os.getpid()))
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)

            done = subprocess.run(
                [sys.executable, script, "--attack", programs["attack"], "--host",
                 programs["host"], "--setuid", setuid],
                preexec_fn=become_user, check=False, cwd="/")
        return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attack", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--setuid", default="")
    arguments = parser.parse_args()
    if subprocess.run([arguments.host, "examine"], check=False).returncode != 0:
        print("nothing can be isolated here for this user")
        return SKIPPED
    if os.geteuid() != 0:
        print("as an ordinary user")
        return 0 if run_suite(arguments.attack, arguments.host, arguments.setuid) else 1
    with tempfile.TemporaryDirectory(prefix="shoal-attack-") as place:
        setuid = shutil.copy(arguments.attack, place)
        os.chmod(setuid, 0o4755 | stat.S_IROTH)
        good = run_suite(arguments.attack, arguments.host, setuid)
    return 0 if run_as_user(arguments) and good else 1


if __name__ == "__main__":
    sys.exit(main())
