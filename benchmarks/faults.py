"""
Large transfers through faults: a server that is killed, stopped or slow, a line that is reset, a disk that fills up,
podium killed.

    python benchmarks/faults.py DIR                                  1 GB over S3, up and down, every fault
    python benchmarks/faults.py DIR --kind ssh --size 128
    python benchmarks/faults.py DIR --way down --fault killed --fault resets

Each trial: the transfer is begun, the fault comes when some of it has passed, the command ends by itself (or is
killed); what is to be seen then is looked at; the fault is mended, and the same command run again. At the end every
byte is proven. A row tells the exit codes, the seconds, and the megabytes that went over the wire, of both runs;
whatever is wrong stands below it, and the exit code is 1. Disks that fill up are small file systems in memory: that
takes root. Takes four times the size on the disk of DIR.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402

MB = 1 << 20
SERVERS = {"s3": servers.S3, "ssh": servers.Ssh, "webdav": servers.Web, "apache": servers.Apache, "http": servers.Web}
NAME = "registry"
VERSION = "vision/resnet50:v0"
LONGEST = 420
"""Seconds after which a command that has not ended is called hanging."""


@dataclass
class Ran:
    """How a command ended, what it said, and what it sent and received."""

    code: int
    seconds: float
    passed: float
    said: str


@dataclass
class Trial:
    """One transfer over one server, in a folder of its own; `wrong` gathers what should not be."""

    folder: Path
    kind: str
    size: int
    way: str
    wire: servers.Wire
    server: servers.S3 | servers.Ssh | servers.Web | servers.Apache
    wrong: list[str] = field(default_factory=list)
    mend: Callable[[], object] = bool
    process: subprocess.Popen[str] | None = None

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.folder / "registry"

    @property
    def store(self) -> servers.S3Store | servers.FolderStore:
        """What lies on the server."""
        return self.server.store(NAME)

    @property
    def command(self) -> tuple[str, ...]:
        """What is tried."""
        return ("upload", VERSION) if self.way == "up" else ("use", VERSION, "--to", str(self.folder / "to" / "model"))

    def env(self) -> dict[str, str]:
        """Give the environment of somebody who has nothing else."""
        home = self.folder / "home"
        return {
            **os.environ, "HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1",
            "PODIUM_CACHE_DIR": str(self.folder / "cache"), "DVC_SITE_CACHE_DIR": str(self.folder / "site"),
            "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT / "src"), "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip

    def podium(self, *arguments: str) -> Ran:
        """Run podium to its end; kill it where that does not come."""
        before, began = self.wire.passed, time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "podium", *arguments], cwd=self.root, env=self.env(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            said, _ = self.process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
            self.wrong.append(f"`podium {arguments[0]}` did not end in {LONGEST} s")
        seconds, passed = time.monotonic() - began, (self.wire.passed - before) / MB
        if "Traceback" in said or "a bug in podium" in said:
            self.wrong.append(f"a traceback, or a bug: {said[-600:]}")
        return Ran(self.process.returncode, seconds, passed, said)

    def prepare(self, model: Path) -> None:
        """Make a registry with one version; where it is to be fetched, it is sent first."""
        self.forget()
        home = self.folder / "home/.ssh"
        home.mkdir(parents=True)
        (home.parent / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@acme.dev\n")
        if isinstance(self.server, servers.Ssh):
            (home / "known_hosts").write_text(self.server.known(self.wire.port))
        self.root.mkdir()
        remote = self.server.remote(NAME, self.wire.port)
        self.must("init", "--entity", "acme", "--remote", remote.url)
        remote.set(self.root)
        self.must("log", VERSION.partition(":")[0], str(model), "--no-upload")
        if self.way == "down":
            self.must("upload")
            if self.kind == "http":
                config = self.root / ".dvc/config"
                place = self.server.reading(NAME, self.wire.port).url
                config.write_text(f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {place}\n")
                (self.root / ".dvc/config.local").unlink()
            self.forget_bytes()

    def must(self, *arguments: str) -> None:
        """Run podium, which is to succeed."""
        ran = self.podium(*arguments)
        if ran.code:
            raise SystemExit(f"{arguments}: {ran.said}")

    def forget(self) -> None:
        """Take away all but the server's."""
        for name in ("registry", "home", "cache", "site", "to"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def forget_bytes(self) -> None:
        """Leave the checkout as if nothing had ever been fetched."""
        cache = self.root / ".dvc/cache"
        for place in (cache / "files", cache / "podium", cache / "podium-tmp", cache / "podium-proofs"):
            shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):
            (self.folder / "to").unlink()
        shutil.rmtree(self.folder / "to", ignore_errors=True)

    # --- what is to be seen

    def look(self) -> str:
        """Find what looks complete and is not; tells what is left aside."""
        left = []
        for path in self.store.paths() if self.way == "up" else ():
            if re.search(r"/[0-9a-f]{30}$", path):
                self.proven(path, self.store.read(path), "on the remote")
            elif not path.endswith(".dir"):
                left.append(f"{path.rpartition('/')[2]} on the server")
        if isinstance(self.store, servers.S3Store):
            left += ["parts on S3" for _ in self.store.unfinished()]
        caches = [self.root / ".dvc/cache", self.folder / "small/cache"] if self.way == "down" else []
        for place in (place for cache in caches for place in cache.rglob("*")):
            if place.is_file() and re.search(r"files/md5/../[0-9a-f]{30}$", place.as_posix()):
                self.proven("/".join(place.parts[-4:]), place.read_bytes(), "in the cache")
            elif place.is_file() and place.name.endswith(".tmp") and place.stat().st_size:
                left.append(f"{place.stat().st_size / MB:.0f} MB aside in the cache")
        for place in (self.folder / "to").rglob("*"):
            if place.is_file() and place.suffix != ".tmp" and place.stat().st_size != self.size:
                self.wrong.append(f"half a file in the target: {place.name}")
            elif place.is_file() and place.suffix == ".tmp":
                left.append(f"{place.name} in the target")
        return ", ".join(left)

    def proven(self, path: str, content: bytes, where: str) -> None:
        """Note an object that is not what its name says."""
        first, rest = path.split("/")[-2:]
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != first + rest:
            self.wrong.append(f"half an object {where}: {len(content) / MB:.0f} MB of it")

    # --- faults

    def when(self, part: float, act: Callable[[], object]) -> None:
        """Do something when some part of the bytes has passed."""
        self.wire.after(int(part * self.size), lambda: threading.Thread(target=act, daemon=True).start())

    def kill(self, number: int) -> None:
        """Send podium a signal."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)


def killed(trial: Trial) -> None:
    """The server is gone, until the first run has ended."""
    trial.when(0.4, trial.server.stop)
    trial.mend = trial.server.start


def restarted(trial: Trial) -> None:
    """The server is gone for two seconds and for as long as it takes to start."""
    back = threading.Event()
    trial.mend = lambda: back.wait(60)  # or it would be started when nobody stops it any more

    def act() -> None:
        trial.server.stop()
        time.sleep(2)
        trial.server.start()
        back.set()

    trial.when(0.4, act)


def silent(seconds: float) -> Callable[[Trial], None]:
    """The server takes connections and bytes, and says nothing, for so many seconds."""

    def fault(trial: Trial) -> None:
        awake = threading.Event()
        trial.mend = lambda: (awake.set(), time.sleep(1))

        def act() -> None:
            with servers.hanging(trial.server):
                awake.wait(seconds)

        trial.when(0.4, act)

    return fault


def slow(trial: Trial) -> None:
    """A few megabytes a second for a minute, then as quick as can be."""

    def act() -> None:
        trial.wire.rate = 3 * MB
        time.sleep(60)
        trial.wire.rate = None

    trial.when(0.2, act)


def resets(trial: Trial) -> None:
    """All connections are reset eight times, at times of their own."""
    left = iter(range(8))
    chance = random.Random(trial.size)

    def act() -> None:
        trial.wire.reset()
        if next(left, None) is not None:
            trial.wire.after(int(trial.size * chance.uniform(0.02, 0.2)), act)

    trial.wire.after(int(trial.size * 0.1), act)


def struck(number: int) -> Callable[[Trial], None]:
    """Podium itself gets a signal."""
    return lambda trial: trial.when(0.4, lambda: trial.kill(number))


def struck_alone(trial: Trial) -> None:
    """The server is gone, and podium, which waits for it to come back, is asked to end."""

    def act() -> None:
        trial.server.stop()
        time.sleep(6)
        trial.kill(signal.SIGTERM)

    trial.when(0.4, act)
    trial.mend = trial.server.start


def struck_in_silence(trial: Trial) -> None:
    """The server says nothing any more, and podium is asked to end."""
    awake = threading.Event()
    trial.mend = lambda: (awake.set(), time.sleep(1))

    def act() -> None:
        with servers.hanging(trial.server):
            time.sleep(3)
            trial.kill(signal.SIGTERM)
            awake.wait(300)

    trial.when(0.4, act)


def full(where: str) -> Callable[[Trial], None]:
    """A disk fills up: somebody else takes what room there was, once the transfer has begun, and hardly goes on."""

    def fault(trial: Trial) -> None:
        place = trial.folder / "small" / where
        filler = place / "other"

        def act() -> None:
            trial.wire.rate = MB
            with suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(bytes(MB))
            trial.wire.rate = None

        trial.when(0.2, act)
        trial.mend = lambda: filler.unlink(missing_ok=True)

    return fault


FAULTS: dict[str, Callable[[Trial], None]] = {
    "restarted": restarted,
    "killed": killed,
    "silent-10": silent(10),
    "silent-150": silent(150),
    "slow": slow,
    "resets": resets,
    "podium-KILL": struck(signal.SIGKILL),
    "podium-TERM": struck(signal.SIGTERM),
    "podium-INT": struck(signal.SIGINT),
    "TERM-down": struck_alone,
    "TERM-silent": struck_in_silence,
    "full-server": full("server"),
    "full-cache": full("cache"),
    "full-target": full("to"),
}
PASSES = {"restarted", "silent-10", "slow", "resets"}
"""After these the command is to come to its end."""
ENDS = {"podium-KILL": -9, "podium-TERM": 143, "podium-INT": 130, "TERM-down": 143, "TERM-silent": 143}


@contextmanager
def small(folder: Path, size: int) -> Iterator[None]:
    """Mount a file system of its own size on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "podium-faults", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def served(folder: Path, kind: str, way: str, size: int, at: Path | None = None) -> Iterator[Trial]:
    """Start a server, and make a registry with one version on it."""
    at = at or folder / "server"
    with ExitStack() as stack:
        server = SERVERS[kind](at)
        stack.callback(shutil.rmtree, at, ignore_errors=True)
        stack.callback(server.stop)
        wire = stack.enter_context(servers.Wire(server.port))
        trial = Trial(folder, kind, size, way, wire, server)
        stack.callback(trial.forget)
        trial.prepare(folder / "model")
        yield trial


def tried(trial: Trial, fault: str) -> bool:
    """Make one trial, print its row, and tell whether all was well."""
    began = time.monotonic()
    trial.wrong, trial.mend = [], bool
    FAULTS[fault](trial)
    first = trial.podium(*trial.command)
    trial.mend()
    left = trial.look()
    second = trial.podium(*trial.command) if first.code else None
    judged(trial, fault, first, second)
    row(trial, fault, (first, second), left, time.monotonic() - began)
    return not trial.wrong


def up(folder: Path, kind: str, size: int, faults: list[str]) -> Iterator[bool]:
    """Try to send: to a server without anything each time."""
    for fault in faults:
        with ExitStack() as stack:
            place = None
            if fault == "full-server":
                stack.enter_context(small(folder / "small/server", size * 3 // 2 + 200 * MB))
                place = folder / "small/server/data"
            elif fault.startswith("full-"):
                continue
            yield tried(stack.enter_context(served(folder, kind, "up", size, place)), fault)


def down(folder: Path, kind: str, size: int, faults: list[str]) -> Iterator[bool]:
    """Try to fetch: from one server, each time as if nothing had been fetched."""
    with served(folder, kind, "down", size) as trial:
        local = trial.root / ".dvc/config.local"
        before = local.read_text() if local.exists() else ""
        for fault in faults:
            if fault == "full-server":
                continue
            with ExitStack() as stack:
                place = folder / "small" / fault.removeprefix("full-").replace("target", "to")
                if fault.startswith("full-"):
                    stack.enter_context(small(place, size * 3 // 2 + 200 * MB))
                if fault == "full-cache":
                    local.write_text(f"{before}[cache]\n    dir = {place}/cache\n")
                if fault == "full-target":
                    (folder / "to").symlink_to(place)
                yield tried(trial, fault)
            local.write_text(before)
            trial.forget_bytes()


def judged(trial: Trial, fault: str, first: Ran, second: Ran | None) -> None:
    """Compare what came of it with what should."""
    expected = {0} if fault in PASSES else {ENDS.get(fault, 3)}
    if (trial.kind, trial.way, fault) == ("webdav", "up", "resets"):  # each try begins anew
        expected = {0, 3}
    if first.code not in expected:
        trial.wrong.append(f"exit code {first.code}, not {expected}")
    if second is not None and second.code:
        trial.wrong.append(f"the second run ends with {second.code}: {second.said}")
    trial.look()
    if trial.way == "up" and (deep := trial.podium("verify", VERSION, "--deep")).code:
        trial.wrong.append(f"verify: {deep.said}")
    if trial.way == "down":
        (found,) = [path for path in (trial.folder / "to/model").rglob("*") if path.is_file()]
        if found.stat().st_size != trial.size:
            trial.wrong.append("the file is not whole")


def row(trial: Trial, fault: str, runs: tuple[Ran, Ran | None], left: str, seconds: float) -> None:
    """Print what came of it."""
    first, second = runs
    again = f"{second.code:>4} {second.seconds:6.1f} {second.passed:6.0f}" if second else " " * 18
    start = f"{trial.kind:7}{trial.way:5}{fault:13}"
    print(f"{start}{first.code:>4} {first.seconds:6.1f} {first.passed:6.0f} {again}  {left}", flush=True)
    for line in first.said.strip().splitlines():
        print(f"    | {line}", flush=True)
    for line in trial.wrong:
        print(f"    WRONG: {line}", flush=True)
    print(f"    ({seconds:.0f} s in all)", file=sys.stderr, flush=True)


def weights(place: Path, size: int) -> Path:
    """Write random bytes, so that no part is like another."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "weights.bin").open("wb") as stream:
        for number in range(size // MB):
            stream.write(random.Random(number).randbytes(MB))
    return place


def main() -> int:
    """Try what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=SERVERS, default="s3")
    parser.add_argument("--size", type=int, default=1024, metavar="MB")
    parser.add_argument("--way", choices=("up", "down"), action="append")
    parser.add_argument("--fault", choices=FAULTS, action="append")
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background turns Ctrl-C off
    folder, size = asked.folder.absolute(), asked.size * MB
    ways = asked.way or (["down"] if asked.kind == "http" else ["up", "down"])
    model = weights(folder / "model", size)
    print(f"{'remote':7}{'way':5}{'fault':13}exit      s     MB exit      s     MB  left after the first run")
    well: list[bool] = []
    for way in ways:
        well += (up if way == "up" else down)(folder, asked.kind, size, asked.fault or list(FAULTS))
    shutil.rmtree(model)
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
