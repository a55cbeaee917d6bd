"""The turns of one machine's processes: in the order in which they were asked for, whoever is killed meanwhile."""

import subprocess
import sys
import threading
from pathlib import Path

from podium.git import tickets

HOLD = (
    "import sys, pathlib; from podium.git import tickets\n"
    "with tickets.turn(pathlib.Path(sys.argv[1]), 60):\n"
    "    print('mine', flush=True); sys.stdin.read()"
)


def holder(line):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(line)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def drawn(line: Path, count: int) -> None:
    """Wait until so many tickets are there."""
    while len([place for place in line.iterdir() if place.name.isdecimal()]) < count:
        threading.Event().wait(0.005)


def waiting(line, count, begun=1):
    """Start threads that take a turn each, one after another; gives them and the order in which they had it."""
    had = []

    def take(number):
        with tickets.turn(line, 60):
            had.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(count)]
    for number, thread in enumerate(threads):
        thread.start()
        drawn(line, begun + number + 1)
    return threads, had


def end(threads):
    for thread in threads:
        thread.join(60)


def test_turns_come_in_the_order_in_which_they_were_asked_for(tmp_path):
    with tickets.turn(tmp_path, 60):
        threads, had = waiting(tmp_path, 12)
        assert had == []
    end(threads)
    assert had == list(range(12))
    assert [place.name for place in tmp_path.iterdir()] == ["lock"]


def test_the_turn_of_a_killed_process_and_its_place_in_the_line_go_on_to_the_next(tmp_path):
    first = holder(tmp_path)
    assert first.stdout.readline() == "mine\n"
    threads, had = waiting(tmp_path, 1)
    second = holder(tmp_path)
    drawn(tmp_path, 3)
    more, later = waiting(tmp_path, 2, begun=3)
    second.kill()
    second.communicate()
    assert had == later == []
    first.kill()
    first.communicate()
    end(threads + more)
    assert (had, later) == ([0], [0, 1])
    assert [place.name for place in tmp_path.iterdir()] == ["lock"]


def test_who_waits_in_a_line_that_does_not_move_goes_ahead(tmp_path):
    with tickets.turn(tmp_path, 60), tickets.turn(tmp_path, 0.05):
        drawn(tmp_path, 2)


def test_a_folder_that_cannot_be_made_gives_a_turn_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with tickets.turn(tmp_path / "file" / "line", 60):
        assert (tmp_path / "file").read_text() == ""
