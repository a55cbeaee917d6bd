"""Many at once in one process: threads that import podium together, forks after its use, edits of one checkout."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.hostile.scenes import Scene

START = """
import asyncio, os, sys, threading
place, failed = sys.argv[1], []

def together(count, work):
    gate = threading.Barrier(count)

    def begin(number):
        gate.wait()
        try:
            work(number)
        except BaseException as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

def use(number):
    import podium
    folder = podium.use_model(f"M:v{number % 2}", registry=place)
    content = (folder / "model.safetensors").read_text()
    assert content == ("weights", "other weights")[number % 2], content
    assert podium.open(place).resolve("M:production").version == "v1"
"""
USES = {
    "threads": "together(12, use)",
    "asyncio": """
async def uses():
    await asyncio.gather(*(asyncio.to_thread(use, number) for number in range(8)))
asyncio.run(uses())
""",
    "forks": """
together(4, use)
children = []
for number in range(6):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            use(number)
            code = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(code)
    children.append(child)
failed += [status for _, status in (os.waitpid(child, 0) for child in children) if status]
""",
}
EDITS = """
import podium
def edit(number):
    with podium.open(place).edit(f"Create {number}", WHERE) as editing:
        editing.create(f"Model{number}")
together(8, edit)
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Scene:
    return Scene.made(tmp_path_factory.mktemp("many"))


def in_python(scene: Scene, program: str, place: str, monkeypatch) -> None:
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(scene.root / "cache"))
    scene.begin_again()
    whole = f"{START}\n{program}\nassert not failed, failed"
    ran = subprocess.run([sys.executable, "-c", whole, place], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    scene.check_whole()


@pytest.mark.parametrize("where", ["checkout", "URL"])
@pytest.mark.parametrize("how", USES)
def test_whoever_asks_at_the_same_time_gets_the_same_bytes(scene, how, where, monkeypatch):
    place = str(scene.registry) if where == "checkout" else f"file://{scene.root}/origin.git"
    in_python(scene, USES[how], place, monkeypatch)


@pytest.mark.parametrize("where", ["commit=False", "commit=True", "push=True"])
def test_no_edit_of_threads_that_edit_one_checkout_is_lost(scene, where, monkeypatch):
    in_python(scene, EDITS.replace("WHERE", where), str(scene.registry), monkeypatch)
    there = {
        "commit=False": "\n".join(path.name for path in (scene.registry / "models").iterdir()),
        "commit=True": scene.git("registry", "ls-tree", "--name-only", "HEAD:models"),
        "push=True": scene.git("origin.git", "ls-tree", "--name-only", "main:models"),
    }[where]
    assert {*there.split()} == {"M", "Messy", *(f"Model{number}" for number in range(8))}
