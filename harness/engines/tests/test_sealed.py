"""A cluster for a test leaves nothing behind, however it ends."""

import pathlib
import signal
import subprocess
import time

import pytest

HERE = pathlib.Path(__file__).parent


def parts_of_clusters():
    """Processes of Slurm and munge on this machine, by number."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
        except OSError:
            continue
        if name.startswith(("slurm", "munge")):
            found[process.name] = name
    return found


def test_a_cluster_that_is_killed_leaves_no_process_and_no_file():
    before, files = parts_of_clusters(), set(pathlib.Path("/mnt").iterdir())
    command = [str(HERE / "sealed.sh"), "/usr/bin/python3", str(HERE / "slurm_cluster.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.readline()
        if said.startswith("SKIPPED"):
            pytest.skip(said)
        assert said == "up\n"
        mine = parts_of_clusters().keys() - before.keys()
        assert len(mine) >= 5  # munged, slurmctld, two slurmd, a slurmstepd
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while parts_of_clusters().keys() & mine and time.monotonic() < until:
        time.sleep(0.1)
    assert not parts_of_clusters().keys() & mine
    assert set(pathlib.Path("/mnt").iterdir()) == files
