"""A market and providers of real processes in a temporary folder.

Everything that a test starts is waited for at its end, and nothing may be left behind: no process,
no control group, no mount, no temporary file, no attempt's folder. A process that ended without
being told to fails the test.
"""
from __future__ import annotations

import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Any, Callable, TypeVar

import processes
import wire

T = TypeVar("T")
WAIT_S = 90.0  # for anything; sanitizers and busy machines are slow
WORLD_S = 300  # what hangs ends with its world, not with the test program
SKIPPED = 77
CREDIT = 1_000_000_000

program = os.environ.get("SHOAL", "")


def until(what: str, condition: Callable[[], T | None], seconds: float = WAIT_S) -> T:
    """The condition's first answer that is true."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.02)


def too_long(_number: int, _frame: Any) -> None:
    raise AssertionError("this world took too long")


def told_to_end(_number: int, _frame: Any) -> None:
    sys.exit(128 + signal.SIGTERM)  # by way of the world's end


class Service:
    """A process that serves until it is told to stop; its output goes to a log file."""

    def __init__(self, world: World, name: str, words: list[str]) -> None:
        self.world, self.name, self.words = world, name, words
        self.log = world.folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, ready: int | None = None, words: list[str] | None = None) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [program, *(words or self.words)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.world.environment, pass_fds=[ready] if ready is not None else [],
                start_new_session=True, cwd=self.world.folder)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def kill(self) -> None:
        assert self.process
        assert self.process.poll() is None, f"{self.name} died unasked:\n{self.said()}"
        self.process.kill()
        self.process.wait(WAIT_S)
        self.process = None

    def stop(self) -> None:
        if self.process is None:
            return
        process, self.process = self.process, None
        died = process.poll()
        if died is not None:
            raise AssertionError(f"{self.name} died unasked with {died}:\n{self.said()}")
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} does not stop:\n{self.said()}") from None
        if code != 0:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.said()}")

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


class Market(Service):
    def __init__(self, world: World, data: pathlib.Path) -> None:
        super().__init__(world, "market", [])
        self.data, self.url, self.listen = data, "", "127.0.0.1:0"
        self.options: list[str] = []

    def start(self, ready: int | None = None, words: list[str] | None = None) -> None:
        """Serves when this returns; after a first start always on the same port."""
        reading, writing = os.pipe()
        super().start(writing, ["market", "--data", str(self.data), "--listen", self.listen,
                                "--ready-fd", str(writing), *self.options])
        os.close(writing)
        with open(reading, "rb") as pipe:
            self.url = pipe.readline().decode().strip()
        if not self.url:
            raise AssertionError(f"the market did not start:\n{self.said()}")
        self.listen = self.url.removeprefix("http://")


class Provider(Service):
    def __init__(self, world: World, name: str, options: list[str]) -> None:
        self.data = world.folder / name
        super().__init__(world, name, [
            "provide", "--market", world.market.url, "--key-file", str(world.key_file("provider")),
            "--data", str(self.data), "--name", name, *options])

    def attempts(self) -> list[pathlib.Path]:
        folder = self.data / "attempts"
        return sorted(folder.iterdir()) if folder.is_dir() else []


class World:
    """A market, its accounts and its providers. Use it in a with statement."""

    def __init__(self, credit: str = "100", time_limit_s: int = WORLD_S) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shoal-e2e-"))
        self.mark = secrets.token_hex(8)
        self.shims_seen: set[int] = set()
        self.providers: list[Provider] = []
        self.keys: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        self.credit = credit
        self.time_limit_s = time_limit_s  # zero: none
        (self.folder / "tmp").mkdir()
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"), "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"), processes.MARK: self.mark,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
            "UBSAN_OPTIONS": os.environ.get("UBSAN_OPTIONS", "")}
        self.market = Market(self, self.folder / "market")

    def __enter__(self) -> World:
        signal.signal(signal.SIGALRM, too_long)
        signal.signal(signal.SIGTERM, told_to_end)
        signal.alarm(self.time_limit_s)
        try:
            self.market.start()
            self.keys["operator"] = (self.market.data / "operator.key").read_text().strip()
            for role in ("buyer", "provider"):
                self.open_account(role, role)
            self.cli("account", "credit", self.accounts["buyer"], self.credit, role="operator")
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        signal.alarm(0)
        if kind is not None:
            self._tell()
            self._abandon()
            return
        try:
            self.shims_seen |= set(processes.shims(self.mark))
            for service in [*self.providers, self.market]:
                service.stop()
            self._check_nothing_left()
        finally:
            self._abandon()

    def _tell(self) -> None:
        for service in [self.market, *self.providers]:
            print(f"--- {service.name}\n{service.said()}", file=sys.stderr)

    def _abandon(self) -> None:
        """Ends what is left of a test that failed, by the ids that belong to it."""
        for pid in processes.marked(self.mark):
            processes.kill(pid)
        for service in [self.market, *self.providers]:
            if service.process:
                service.process.kill()
                service.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_nothing_left(self) -> None:
        until("every process ends", lambda: not processes.marked(self.mark))
        for provider in self.providers:
            assert not provider.attempts(), f"{provider.name} left {provider.attempts()}"
        left = list((self.folder / "tmp").iterdir())
        assert not left, f"temporary files were left: {left}"
        mounts = processes.mounts_below(self.folder)
        assert not mounts, f"mounts were left: {mounts}"
        until("every control group is removed",
              lambda: not processes.groups_of(self.shims_seen), 10)

    def key_file(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.key"

    def open_account(self, name: str, role: str) -> str:
        path = self.key_file(name)
        made = self.cli("account", "create", "--role", role, "--out", str(path), role="operator")
        self.keys[name] = path.read_text().strip()
        self.accounts[name] = made["account"]
        return self.keys[name]

    def provider(self, *options: str, wait: bool = True) -> Provider:
        """One more provider, of one core and little memory unless the options say otherwise."""
        name = f"provider-{len(self.providers) + 1}"
        defaults = {"--cores": "2", "--memory": "1GiB", "--disk": "2GiB", "--attempts": "2"}
        words = [word for option, value in defaults.items() if option not in options
                 for word in (option, value)]
        provider = Provider(self, name, [*words, *options])
        self.providers.append(provider)
        provider.start()
        if wait:
            self.wait_online(provider)
        return provider

    def wait_online(self, provider: Provider) -> str:
        """The provider's id. Skips the test where this machine cannot isolate a job."""
        def online() -> str | None:
            assert provider.process
            if provider.process.poll() is not None:
                self.providers.remove(provider)
                if provider.process.returncode == 3 and not may_isolate():
                    provider.process = None
                    raise unittest.SkipTest(f"no isolation here: {provider.said().strip()}")
                raise AssertionError(f"{provider.name} ended:\n{provider.said()}")
            for one in self.get("/v1/providers")["items"]:
                if one["name"] == provider.name and one["online"]:
                    return str(one["provider"])
            return None
        return until(f"{provider.name} is online", online)

    # --- asking the market -----------------------------------------------------------------------

    def run(self, *words: str, role: str = "buyer", seconds: float = WAIT_S,
            **options: Any) -> subprocess.CompletedProcess[str]:
        """A command of the command line, as a person would type it."""
        return subprocess.run(self.command(*words, role=role), env=self.environment, check=False,
                              capture_output=True, encoding="utf-8", timeout=seconds,
                              cwd=self.folder, stdin=subprocess.DEVNULL, **options)

    def command(self, *words: str, role: str = "buyer") -> list[str]:
        key = self.market.data / "operator.key" if role == "operator" else self.key_file(role)
        return [program, "--market", self.market.url, "--key-file", str(key), *words]

    def cli(self, *words: str, role: str = "buyer") -> Any:
        """The last value that a command prints as JSON; it must succeed."""
        done = self.run("--json", *words, role=role)
        assert done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr}"
        lines = done.stdout.splitlines()
        return json.loads(lines[-1]) if lines else None

    def ask(self, method: str, target: str, role: str = "operator", **options: Any) -> wire.Answer:
        return wire.request(self.market.url, method, target, key=self.keys[role], **options)

    def get(self, target: str, role: str = "operator") -> Any:
        answer = self.ask("GET", target, role)
        assert answer.status == 200, f"{target}: {answer.status} {answer.body!r}"
        return answer.json()

    def submit(self, name: str = "job", role: str = "buyer", **spec: Any) -> str:
        spec.setdefault("resources", {"memory": "128MiB", "disk": "64MiB"})
        body = json.dumps({"name": name, **spec}).encode()
        answer = self.ask("POST", "/v1/jobs", role, body=body)
        assert answer.status in (200, 201), f"{answer.status} {answer.body!r}"
        return str(answer.json()["job"])

    def job(self, job: str) -> Any:
        return self.get(f"/v1/jobs/{job}")

    def attempts(self, job: str) -> list[Any]:
        return list(self.get(f"/v1/jobs/{job}/attempts?limit=500")["items"])

    def wait_ended(self, job: str, seconds: float = WAIT_S) -> Any:
        def ended() -> Any:
            view = self.job(job)
            return view if view["state"] != "open" else None
        return until(f"{job} ends", ended, seconds)

    def balance(self, role: str = "buyer") -> dict[str, int]:
        view = self.get(f"/v1/accounts/{self.accounts[role]}")
        return {name: int(view[name]) for name in ("available", "held", "earned")}

    def check_books(self, held: int = 0) -> None:
        books = self.get("/v1/books")
        assert int(books["sum"]) == 0, books
        assert sum(int(amount) for amount in books["balances"].values()) == 0, books
        in_holds = sum(int(amount) for account, amount in books["balances"].items()
                       if account.startswith("held:"))
        assert in_holds == held, books

    def events(self, after: int = 0) -> list[Any]:
        """The events of the market's journal behind this one, while the market may serve."""
        done = self.run("--json", "journal", "show", "--data", str(self.market.data),
                        "--from", str(after + 1))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def journal(self) -> list[tuple[str, Any]]:
        """The market's events by name, in order; the market may serve meanwhile."""
        return [(event["name"], event["body"]) for event in self.events()]

    def attempt_folder(self, lease: str) -> pathlib.Path | None:
        for provider in self.providers:
            folder = provider.data / "attempts" / lease
            if folder.is_dir():
                return folder
        return None

    def let_go(self, job: str) -> None:
        """Creates the file that a job of WAITING waits for, in each of its live attempts."""
        for attempt in self.attempts(job):
            folder = self.attempt_folder(attempt["lease"])
            if folder and (folder / "work").is_dir():
                (folder / "work/go").touch()

    def wait_running(self, job: str) -> Any:
        """A live attempt whose process has written that it began."""
        def running() -> Any:
            for attempt in self.attempts(job):
                folder = self.attempt_folder(attempt["lease"])
                begun = folder and (folder / "out/starts").exists()
                if attempt["phase"] == "running" and begun:
                    return attempt
            return None
        found = until(f"{job} runs", running)
        self.shims_seen |= set(processes.shims(self.mark))
        return found


# A job that counts its starts and then waits for a file that only the test can make.
WAITING = ["/bin/sh", "-c", "echo start >> /out/starts; echo begun;"
           " while [ ! -e /work/go ]; do sleep 0.05; done; echo went"]


def may_isolate() -> bool:
    """Root with control groups must be able to; an ordinary user may lack them."""
    return os.geteuid() == 0


def main() -> None:
    """Runs the tests of the calling file: FILE PATH_TO_SHOAL [unittest's words]."""
    global program  # pylint: disable=global-statement
    if len(sys.argv) > 1 and os.access(sys.argv[1], os.X_OK):
        program = os.path.abspath(sys.argv.pop(1))
    if not program:
        sys.exit(f"usage: {sys.argv[0]} PATH_TO_SHOAL")
    done = unittest.main(module="__main__", verbosity=2, exit=False).result
    if not done.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if done.testsRun and len(done.skipped) == done.testsRun else 0)
