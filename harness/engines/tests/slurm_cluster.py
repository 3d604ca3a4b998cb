"""A Slurm cluster of two nodes on this machine: munged, slurmctld and two slurmd, all in one folder.

Run by sealed.sh, which gives it a network, processes and a /mnt of its own. By itself it starts the cluster, says so, and
waits to be killed.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

NODES = {"n1": 17001, "n2": 17002}

# Two slurmd on one host need names (-N), ports and spool folders of their own (slurm.conf(5): %n, NodeHostname). No
# control groups: processes are found by their parents.
CONFIGURATION = """
ClusterName=faultline
SlurmctldHost=cluster(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=10
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=5
KillWait=5
BatchStartTimeout=10
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def name_of(process: int) -> str:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{process}/comm").read_text().strip()
    return ""


def parent_of(process: int) -> int:
    with contextlib.suppress(OSError):
        return int(pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


class Cluster:
    """`close()` ends it; being killed within a sealed.sh ends it, too."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        for name in ("munge", "state", "spool.n1", "spool.n2"):
            (folder / name).mkdir(mode=0o700)
        key = folder / "munge/key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        text = CONFIGURATION.format(folder=folder)
        cpus = os.cpu_count()
        for node, port in NODES.items():
            text += f"NodeName={node} NodeHostname=cluster NodeAddr=127.0.0.1 Port={port} CPUs={cpus}\n"
        (folder / "slurm.conf").write_text(text)
        version = re.search(r"([0-9]+)\.[0-9]+", subprocess.check_output(["slurmd", "-V"], text=True))
        assert version
        can_do_without = int(version.group(1)) >= 23
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n" if can_do_without else "")
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        places = [f"--{kind}-file={folder}/munge/{kind}" for kind in ("key", "pid", "log", "seed")]
        self._start("munged", "--foreground", "--force", f"--socket={folder}/munge/socket", *places)
        self.until(lambda: (folder / "munge/socket").exists(), "munged does not answer")
        self._start("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        self.until(lambda: self.nodes() == dict.fromkeys(NODES, "idle"), "the nodes are not idle")

    def _start(self, name: str, *arguments: str) -> None:
        with open(self.folder / f"{name}.log", "a", encoding="utf-8") as log:
            program = name.partition(".")[0]
            self.daemons[name] = subprocess.Popen(
                [program, *arguments], stdout=log, stderr=log, env=self.environment, start_new_session=True
            )

    def until(self, holds, complaint: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                logs = [path.read_text()[-2000:] for path in self.folder.glob("*.log")]
                raise TimeoutError("\n".join([complaint, *logs]))
            time.sleep(0.2)

    def start_node(self, node: str) -> None:
        self._start(f"slurmd.{node}", "-D", "-N", node)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        return done.stdout

    def nodes(self) -> dict[str, str]:
        """What state each is in: "idle", "allocated", "down*"..."""
        return dict(line.split() for line in self.run("sinfo", "-h", "-N", "-o", "%N %T").splitlines())

    def jobs(self) -> list[str]:
        """Those that wait or run."""
        return self.run("squeue", "-h", "-r", "-o", "%F_%K %T %N").splitlines()

    def processes(self, node: str) -> list[int]:
        """Of the jobs that run there, with what they started."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                variables = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"SLURMD_NODENAME={node}".encode() in variables:
                found.append(int(process.name))
        return found

    def lose(self, node: str) -> None:
        """As when its power fails: first those who would tell the controller."""
        self.daemons[f"slurmd.{node}"].kill()
        self.daemons[f"slurmd.{node}"].wait()
        jobs = self.processes(node)
        keepers = {parent for parent in map(parent_of, jobs) if name_of(parent) == "slurmstepd"}
        assert keepers, f"nothing runs on {node}"
        for number in [*keepers, *jobs]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def close(self) -> None:
        self.run("scancel", "--user=root")
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def main() -> None:
    folder = pathlib.Path("/mnt/cluster")
    folder.mkdir()
    cluster = Cluster(folder)
    cluster.run("sbatch", "--exclusive", "--output=/dev/null", "--wrap=sleep 1000")
    cluster.until(lambda: "RUNNING" in str(cluster.jobs()), "the job does not run")
    print("up", flush=True)
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
