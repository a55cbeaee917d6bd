"""
Many writers: so many processes log versions to four artifacts of one bare repository, over ssh, with S3 for the bytes.

    python benchmarks/writers.py --processes 32 --versions 10

Each process has a clone of its own, as on a machine of its own (`--shared`: all work by the URL, through one cached
clone). At the end every version is counted, every byte is read and hashed, and each step of main is judged. Then the
peer, with as many processes on the same server and for as long at most: git commit, git push, and git pull --rebase as
often as others were first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402

ARTIFACTS = 4

LOGS = """
import json, sys, time
from pathlib import Path
import podium
where, folder, number, versions, artifacts = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:6])
out, waits = folder / f"out-{number}", []
out.mkdir()
for turn in range(versions):
    (out / "model.bin").write_bytes(f"writer {number} version {turn}".encode() * 100)
    began = time.monotonic()
    with podium.open(where).edit(push=True) as edit:
        edit.log(f"vision/line-{(number + turn) % artifacts}", out, metrics={"writer": number, "turn": turn})
    waits.append(time.monotonic() - began)
print(json.dumps(waits))
"""

COMMITS = """
cd "$1" || exit 1
for turn in $(seq "$3"); do
    echo "writer $2 turn $turn" > "file-$2-$turn"
    git add . && git commit -q -m "writer $2 turn $turn" || exit 1
    until git push -q 2>/dev/null; do git pull -q --rebase 2>/dev/null; done
done
"""


@contextlib.contextmanager
def serving(folder: Path, *, with_s3: bool) -> Iterator[tuple[servers.S3 | None, servers.Ssh]]:
    """Start an ssh server, and an S3 server where one is wanted."""
    cloud = servers.S3(folder / "s3") if with_s3 else None
    try:
        host = servers.Ssh(folder / "sshd")
        try:
            yield cloud, host
        finally:
            host.stop()
    finally:
        if cloud is not None:
            cloud.stop()


def prepared(folder: Path, cloud: servers.S3 | None, host: servers.Ssh) -> tuple[str, str, dict[str, str]]:
    """Make the bare repository of an empty registry; gives its URL, its first commit, and the environment."""
    bare = folder / "origin.git"
    git("init", "-q", "--bare", "-b", "main", str(bare))
    url, ssh = host.git(bare)
    env = {**os.environ, **ssh, **_nobody(folder), **(cloud.env if cloud is not None else {})}
    store = f"s3://{servers.BUCKET}/registry" if cloud is not None else str(folder / "store")
    (folder / "store").mkdir()
    git("clone", "-q", url, "start", cwd=folder, env=env)
    podium("init", "--entity", "acme", "--remote", store, cwd=folder / "start", env=env)
    if cloud is not None:
        with (folder / "start/.dvc/config").open("a") as config:
            config.write(f"    endpointurl = {cloud.endpoint()}\n")
    git("add", "-A", cwd=folder / "start", env=env)
    git("commit", "-q", "-m", "Start a registry", cwd=folder / "start", env=env)
    git("push", "-q", "origin", "HEAD:main", cwd=folder / "start", env=env)
    return url, git("rev-parse", "HEAD", cwd=folder / "start", env=env).strip(), env


def _nobody(folder: Path) -> dict[str, str]:
    settings = folder / "gitconfig"
    settings.write_text("[user]\n\tname = Ada\n\temail = ada@acme.dev\n[init]\n\tdefaultBranch = main\n")
    return {
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PODIUM_CACHE_DIR": str(folder / "cache"),
        "DVC_SITE_CACHE_DIR": str(folder / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
    }


def git(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run git; gives what it printed."""
    return subprocess.run(["git", *arguments], cwd=cwd, env=env, check=True, capture_output=True, text=True).stdout


def podium(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    """Run podium; gives what it printed."""
    command = [sys.executable, "-m", "podium", *arguments]
    ran = subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"podium {' '.join(arguments)}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def clones(folder: Path, url: str, name: str, count: int, env: dict[str, str]) -> list[Path]:
    """Make a clone for each process."""
    for number in range(count):
        git("clone", "-q", url, f"{name}-{number}", cwd=folder, env=env)
    return [folder / f"{name}-{number}" for number in range(count)]


def race(
    commands: list[list[str]], env: dict[str, str], folder: Path, limit: float | None = None
) -> tuple[float, list[str]]:
    """Run commands at the same time; gives the seconds that all took, and what each printed; all end at the limit."""
    began = time.monotonic()
    running = [
        subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for command in commands
    ]
    if limit is not None:
        while time.monotonic() - began < limit and any(process.poll() is None for process in running):
            time.sleep(0.2)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    said = [process.communicate()[0] for process in running]
    if limit is None and any(process.returncode for process in running):
        raise SystemExit(f"a writer gave up: {[process.returncode for process in running]}")
    return time.monotonic() - began, said


def judged(folder: Path, url: str, start: str, expected: int, env: dict[str, str]) -> None:
    """Count the versions, read every byte, and judge each step of main; ends the program where something is wrong."""
    import podium as package

    git("clone", "-q", url, "judge", cwd=folder, env=env)
    place = folder / "judge"
    registry = package.open(place)
    numbers: dict[str, list[int]] = {}
    writers = []
    for record in sorted(place.glob("artifacts/*/*/versions/*.dvc")):
        numbers.setdefault(str(record.parent), []).append(int(record.stem[1:]))
        metrics = registry.resolve(_name(place, record)).metrics
        writers.append((metrics["writer"], metrics["turn"]))
    assert len(writers) == len(set(writers)) == expected, f"{len(set(writers))} of {expected} versions"
    assert all(sorted(found) == list(range(len(found))) for found in numbers.values()), "there is a gap"
    podium("verify", "--deep", cwd=place, env=env)
    podium("check", "--base", start, "--each", cwd=place, env=env)


def landed(folder: Path, env: dict[str, str]) -> int:
    """Count the commits of main."""
    return int(git("rev-list", "--count", "main", cwd=folder / "origin.git", env=env))


def _name(place: Path, record: Path) -> str:
    _, project, artifact, _, number = record.relative_to(place).parts
    return f"{project}/{artifact}:{number.removesuffix('.dvc')}"


def main() -> None:
    """Read the command line, run both, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--versions", type=int, default=3)
    parser.add_argument("--shared", action="store_true", help="by the URL, through one cached clone")
    parser.add_argument("--folder", action="store_true", help="the bytes in a folder instead of S3")
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    total = given.processes * given.versions
    with (
        tempfile.TemporaryDirectory(prefix="writers-") as name,
        serving(Path(name), with_s3=not given.folder) as (cloud, host),
    ):
        folder = Path(name)
        url, start, env = prepared(folder, cloud, host)
        places = [url] * given.processes if given.shared else clones(folder, url, "writer", given.processes, env)
        logs = [
            [sys.executable, "-c", LOGS, str(place), name, *map(str, (number, given.versions, ARTIFACTS))]
            for number, place in enumerate(places)
        ]
        ours, said = race(logs, env, folder)
        waits = sorted(wait for line in said for wait in json.loads(line))
        judged(folder, url, start, total, env)
        result = {
            "processes": given.processes, "versions": total, "seconds": round(ours, 1),
            "commits_per_second": round(total / ours, 2), "median_wait": round(waits[len(waits) // 2], 1),
            "longest_wait": round(waits[-1], 1),
        }  # fmt: skip
        if not given.no_peer:
            peers = clones(folder, url, "peer", given.processes, env)
            commits = [
                ["sh", "-c", COMMITS, "sh", str(place), str(number), str(given.versions)]
                for number, place in enumerate(peers)
            ]
            before = landed(folder, env)
            theirs, _ = race(commits, env, folder, limit=max(ours, 30))
            made = landed(folder, env) - before
            result |= {"peer_versions": made, "peer_commits_per_second": round(made / theirs, 2)}
        print(json.dumps(result))


if __name__ == "__main__":
    main()
