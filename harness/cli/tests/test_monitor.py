"""`faultline monitor` as a user runs it: lines, JSON, the full screen on a pseudo-terminal.

Run by CTest with FAULTLINE (the program) in the environment.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

FAULTLINE = os.environ["FAULTLINE"]
SLEEP = ["sleep", "60"]


def monitor(*arguments, **options):
    command = [FAULTLINE, "monitor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


class Screen:
    """The monitor on a terminal of its own."""

    def __init__(self, rows, columns, *arguments):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        environment = {**os.environ, "TERM": "xterm"}
        self.process = subprocess.Popen(
            [FAULTLINE, "monitor", "-i", "0.2", *map(str, arguments)],
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, text, seconds=30):
        seen = ""
        end = time.monotonic() + seconds
        while text not in seen and time.monotonic() < end:
            if select.select([self.master], [], [], 0.2)[0]:
                seen += os.read(self.master, 65536).decode(errors="replace")
        assert text in seen, repr(seen)
        return seen

    def press(self, keys):
        os.write(self.master, keys.encode())

    def ends_with(self, status):
        self.read_until("\x1b[?1049l")  # the screen that was there before
        assert self.process.wait(timeout=30) == status
        assert termios.tcgetattr(self.slave)[3] == self.before[3]


def test_lines_stand_under_a_heading_and_the_commands_status_is_passed_on():
    done = monitor("--batch", "-i", "0.1", "--", "sh", "-c", "echo told; sleep 1; exit 7")
    assert done.returncode == 7
    assert "told" in done.stderr
    groups, names, *lines = done.stdout.splitlines()
    assert groups.startswith("---") and names.split()[:2] == ["rss", "anon"]
    assert lines and all(len(line) == len(names) for line in lines)


def test_json_lines_count_what_the_command_does():
    busy = ["sh", "-c", "while :; do /bin/true; done"]
    done = monitor("--json", "-i", "0.5", "-n", 3, "--probes", "faults,rss", "--", *busy)
    assert done.returncode == 0, done.stderr
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(objects) == 3
    assert all(each["values"]["rss_bytes"] > 0 and each["processes"] >= 1 for each in objects)
    assert any(each["rates_per_s"]["minor_faults"] > 0 for each in objects)


def test_slabuddy_shows_its_slabs_while_it_runs():
    library = os.path.join(os.path.dirname(FAULTLINE), "..", "lib", "libslabuddy.so")
    lives = "import time; a = [bytes(3000) for _ in range(20000)]; end = time.monotonic() + 1.5\nwhile time.monotonic() < end:"
    lives += " b = [bytes(3000) for _ in range(999)]"
    words = ["env", f"LD_PRELOAD={library}", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-c", lives]
    done = monitor("--json", "-i", 0.2, "--probes", "rss", "--", *words)
    assert done.returncode == 0
    shown = [
        json.loads(line)["slabuddy"]["caches"] for line in done.stdout.splitlines() if '"slabuddy"' in line
    ]
    held = [sum(c["in_use"] for c in caches.values() if 3033 <= c["object_bytes"] < 4096) for caches in shown]
    assert max(held) > 15000, shown[-1:]
    for caches in shown:
        assert all(c["slab_bytes"] >= c["in_use"] * c["object_bytes"] for c in caches.values())


def test_it_ends_when_the_process_ends():
    victim = subprocess.Popen(["sleep", "1"])
    began = time.monotonic()
    assert monitor("--batch", "-i", "30", "--probes", "rss", victim.pid).returncode == 0
    assert time.monotonic() - began < 20
    victim.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: needs root to become an ordinary user")
def test_an_ordinary_user_sees_what_proc_tells_and_is_told_what_is_missing():
    done = monitor("--json", "-i", "0.2", "-n", 1, "--", *SLEEP, preexec_fn=nobody)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["values"]["rss_anon_bytes"] > 0
    assert "faults_anonymous" not in figures["rates_per_s"]
    assert "fault_kinds (bpf-tp): " in done.stderr and "run as root" in done.stderr


@pytest.mark.parametrize("arguments, status", [([1 << 30], 69), (["--", "/no/such/program"], 127), ([], 64)])
def test_what_cannot_be_watched_is_said_in_a_line(arguments, status):
    done = monitor("--batch", "--probes", "rss", *arguments)
    assert done.returncode == status
    assert done.stderr.startswith("faultline: ")


def test_keys_change_the_view_and_q_puts_the_terminal_back():
    with Screen(24, 80, "--probes", "faults,rss,pages", "--", *SLEEP) as screen:
        screen.read_until("overview")
        screen.press("3")
        screen.read_until("alloc_pages by order")
        screen.press("p")
        screen.read_until("PAUSED")
        screen.press("h")
        screen.read_until("scroll")
        screen.press("q")
        screen.ends_with(0)


def test_the_screen_follows_the_terminals_size():
    with Screen(24, 80, "--probes", "faults,rss", "--", *SLEEP) as screen:
        screen.read_until("more: down")
        screen.resize(50, 200)
        screen.process.send_signal(signal.SIGWINCH)
        screen.read_until("pressure, the whole host")
        screen.resize(3, 10)
        screen.process.send_signal(signal.SIGWINCH)
        time.sleep(0.5)
        assert screen.process.poll() is None
        screen.press("q")
        screen.ends_with(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGSEGV, signal.SIGHUP])
def test_signals_leave_the_terminal_as_it_was(number):
    with Screen(24, 80, "--probes", "faults,rss", "--", *SLEEP) as screen:
        screen.read_until("overview")
        screen.process.send_signal(number)
        screen.ends_with(128 + number if number in (signal.SIGINT, signal.SIGTERM) else -number)
