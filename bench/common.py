"""What the benchmarks share: a market of their own, REST, what Linux says of a process, and the
machine's own speed beside which the figures stand."""
import contextlib
import http.client
import json
import os
import pathlib
import platform
import shutil
import signal
import ssl
import statistics
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


class Missed(Exception):
    """A benchmark whose answers are wrong says nothing about speed."""


def demand(holds, words):
    if not holds:
        raise Missed(words)


# --- the machine --------------------------------------------------------------------------------

def machine():
    """What the figures were measured on, as lines for people."""
    facts = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in facts.splitlines()
                  if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT,
                            capture_output=True, text=True, check=False).stdout.strip()
    return [f"commit {commit or 'unknown'}, {time.strftime('%Y-%m-%d', time.gmtime())}",
            f"{model}, {os.cpu_count()} cores, Linux {platform.release()}",
            f"load average before: {os.getloadavg()[0]:.1f}"]


class Disk:
    """One small durable append at a time, where the market's folder lies."""

    def __init__(self, folder):
        self.file = os.open(folder / "calibration", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self.block = os.urandom(4096)

    def append_us(self):
        start = time.monotonic_ns()
        os.write(self.file, self.block)
        os.fdatasync(self.file)
        return (time.monotonic_ns() - start) / 1000

    def median_us(self, count=100):
        return statistics.median(self.append_us() for _ in range(count))


# --- processes ----------------------------------------------------------------------------------

def cpu_seconds(pid):
    return stat_seconds(pathlib.Path(f"/proc/{pid}/stat"))


def stat_seconds(path):
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def thread_seconds(pid):
    """CPU time of each thread, by its name; the main thread is called "core", and those that
    have no name of their own, which is the blocking pool, "pool"."""
    seconds = {}
    program = pathlib.Path(f"/proc/{pid}/comm").read_text()
    for folder in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = (folder / "comm").read_text()
            name = "pool" if name == program else name.strip()
            name = "core" if folder.name == str(pid) else name
            seconds[name] = seconds.get(name, 0) + exact_seconds(folder)
    return seconds


def exact_seconds(folder):
    """In nanoseconds where the kernel counts them, in ticks else."""
    with contextlib.suppress(FileNotFoundError):
        return int((folder / "schedstat").read_text().split()[0]) / 1e9
    return stat_seconds(folder / "stat")


def memory_bytes(pid):
    """(PSS, RSS)."""
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024
    return sizes["Pss"], sizes["Rss"]


def is_stripped(path):
    """Whether an ELF file has no table of symbols but what the dynamic linker needs."""
    with open(path, "rb") as file:
        head = file.read(64)
        demand(head[:5] == b"\x7fELF\x02", f"{path}: not a 64-bit ELF file")
        offset, = struct.unpack_from("<Q", head, 0x28)
        size, count = struct.unpack_from("<HH", head, 0x3A)
        file.seek(offset)
        table = file.read(size * count)
    kinds = [struct.unpack_from("<I", table, index * size + 4)[0] for index in range(count)]
    return 2 not in kinds  # SHT_SYMTAB


# --- a market -----------------------------------------------------------------------------------

class Rest:
    """The API of one market with one key, on one connection that is kept."""

    def __init__(self, url, key):
        scheme, _, place = url.partition("://")
        host, _, port = place.partition("#")[0].partition(":")
        if scheme == "https":
            # The benchmark's own market, whose certificate the programs know by its pin.
            self.connection = http.client.HTTPSConnection(
                host, int(port), timeout=30, context=ssl._create_unverified_context())
        else:
            self.connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self.headers = {"Authorization": f"Bearer {key}"}

    def raw(self, method, path, body=None):
        headers = dict(self.headers)
        if isinstance(body, (dict, list)):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        elif isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        demand(answer.status < 300, f"{method} {path}: {answer.status} {data[:300]!r}")
        return data

    def ask(self, method, path, body=None):
        return json.loads(self.raw(method, path, body))

    def pages(self, path):
        """Every item of a list."""
        joint = "&" if "?" in path else "?"
        cursor = ""
        while True:
            page = self.ask("GET", f"{path}{joint}limit=500{cursor}")
            yield from page["items"]
            if not page.get("next"):
                return
            cursor = f"&cursor={page['next']}"

    def when_over(self, job, seconds=60):
        """The job, once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            view = self.ask("GET", f"/v1/jobs/{job}")
            if view["state"] != "open":
                return view
            demand(time.monotonic() < deadline, f"{job} is open after {seconds} s: {view}")
            time.sleep(0.01)


@contextlib.contextmanager
def scratch(name):
    """A folder on the file system where markets keep their data, gone at the end."""
    base = pathlib.Path(os.environ.get("SHOAL_BENCH_FOLDER", "/var/tmp"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"shoal-{name}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Installation:
    """What `shoal up` starts, in a folder of its own."""

    def __init__(self, shoal, folder, *options):
        self.shoal, self.folder = shoal, folder
        self.environment = dict(os.environ, XDG_DATA_HOME=str(folder / "data"),
                                XDG_CONFIG_HOME=str(folder / "config"),
                                XDG_RUNTIME_DIR=str(folder / "run"))
        for name in ("data", "config", "run"):
            (folder / name).mkdir(mode=0o700)
        self.options = options

    def run(self, *words):
        done = subprocess.run([self.shoal, *words], env=self.environment, cwd=ROOT, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        demand(done.returncode == 0, f"shoal {' '.join(words)}: {done.stdout}")
        return done.stdout

    def __enter__(self):
        self.run("up", "--listen", "127.0.0.1:0", *self.options)
        home = self.folder / "data/shoal"
        state = json.loads((home / "up.json").read_text())
        self.url = state["market"]
        self.processes = {one["role"]: one["pid"] for one in state["processes"]}
        self.market_folder = home / "market"
        self.keys = {role: (home / "keys" / f"{role}.key").read_text().strip()
                     for role in ("operator", "buyer", "provider")}
        return self

    def rest(self, role):
        return Rest(self.url, self.keys[role])

    def __exit__(self, *_):
        self.run("down")


class Market:
    """A market alone, without a provider."""

    def __init__(self, shoal, folder, *options):
        self.shoal, self.folder, self.options = shoal, folder, options

    def __enter__(self):
        read, write = os.pipe()
        self.log = open(self.folder / "market.log", "wb")
        self.process = subprocess.Popen(
            [self.shoal, "market", "--data", self.folder / "market", "--listen", "127.0.0.1:0",
             "--journal-segment", "1GiB", "--ready-fd", str(write), *self.options],
            pass_fds=[write], stdout=self.log, stderr=self.log)
        os.close(write)
        with os.fdopen(read) as ready:
            self.url = ready.readline().strip()
        demand(self.url, f"the market did not start: {(self.folder / 'market.log').read_text()}")
        self.operator = Rest(self.url, (self.folder / "market/operator.key").read_text().strip())
        return self

    def account(self, role, credit=0):
        """A new account's id and a key of it."""
        account = self.operator.ask("POST", "/v1/accounts")["account"]
        if credit:
            self.operator.ask("POST", f"/v1/accounts/{account}/credit", {"amount": str(credit)})
        key = self.operator.ask("POST", f"/v1/accounts/{account}/keys", {"role": role})
        # A benchmark asks as often as it can.
        self.operator.ask("PUT", f"/v1/keys/{key['key']}/rate",
                          {"rate": {"per_second": 100_000, "burst": 100_000}})
        return account, key["secret"]

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.log.close()
        demand(code == 0, f"the market ended with {code}")


# --- words --------------------------------------------------------------------------------------

def show(title, rows):
    """A table of two or more columns, the first one words."""
    print(f"\n{title}")
    width = max(len(row[0]) for row in rows)
    for row in rows:
        print(f"  {row[0]:{width}}  " + "  ".join(f"{value:>12}" for value in row[1:]))


def verdict(holds, words):
    print(f"{'met   ' if holds else 'MISSED'} {words}", flush=True)
    return holds


def main(measure, arguments):
    """Runs the benchmark; 0: every mark is met."""
    print("\n".join(machine()))
    try:
        return 0 if measure(arguments) else 1
    except Missed as missed:
        print(f"the answers are wrong: {missed}")
        return 1
