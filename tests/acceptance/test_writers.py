"""Many writers on one repository over ssh: benchmarks/writers.py counts and proves what they made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers

BENCHMARK = Path(__file__).parent.parent.parent / "benchmarks/writers.py"
WRITERS, VERSIONS = os.environ.get("PODIUM_TEST_WRITERS", "3x2").split("x")


@pytest.mark.xdist_group("writers")
def test_each_version_of_many_writers_is_there_once_and_proven():
    servers._need(servers.SSHD)
    ran = subprocess.run(
        [sys.executable, str(BENCHMARK), "--processes", WRITERS, "--versions", VERSIONS, "--no-peer", "--folder"],
        capture_output=True, text=True, check=False,  # its bytes go to a folder; by hand, to S3
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["versions"] == int(WRITERS) * int(VERSIONS)
