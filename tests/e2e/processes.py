"""What runs on this machine: processes by a mark in their environment, control groups, mounts."""
from __future__ import annotations

import os
import pathlib
import signal

MARK = "SHOAL_E2E_MARK"


def read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended meanwhile


def state(pid: int) -> str:
    """One letter as in ps; empty: there is no such process."""
    return read(pathlib.Path(f"/proc/{pid}/stat")).rpartition(b")")[2].decode().strip()[:1]


def parent(pid: int) -> int:
    fields = read(pathlib.Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def command(pid: int) -> list[str]:
    return [word.decode(errors="replace")
            for word in read(pathlib.Path(f"/proc/{pid}/cmdline")).split(b"\0")[:-1]]


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def marked(mark: str) -> list[int]:
    """Every living process with the mark: services, shims, and jobs that were given it."""
    wanted = f"{MARK}={mark}".encode()
    return [pid for pid in all_pids()
            if wanted in read(pathlib.Path(f"/proc/{pid}/environ")).split(b"\0")
            and state(pid) not in ("", "Z")]


def shims(mark: str) -> list[int]:
    """The shims themselves, not the first processes of their jails."""
    found = [pid for pid in marked(mark) if command(pid)[1:2] == ["shim"]]
    return [pid for pid in found if parent(pid) not in found]


def jobs(mark: str) -> list[int]:
    """The jobs' own processes: what runs below the first process of a jail."""
    inits = {pid for pid in marked(mark)
             if command(pid)[1:2] == ["shim"] and pid not in shims(mark)}
    return [pid for pid in all_pids() if parent(pid) in inits and state(pid) not in ("", "Z")]


def groups_of(makers: set[int]) -> list[str]:
    """Control groups that one of these processes has made."""
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        for name in names:
            parts = name.split("-")
            if len(parts) == 5 and parts[0] == "shoal" and int(parts[2]) in makers:
                found.append(os.path.join(folder, name))
    return found


def mounts_below(folder: pathlib.Path) -> list[str]:
    table = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    return [line.split()[4] for line in table.splitlines() if str(folder) in line.split()[4]]


def kill(pid: int) -> bool:
    """Whether it was there to be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
