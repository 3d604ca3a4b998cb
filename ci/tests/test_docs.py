"""Every command that the documentation shows is run: ```console blocks, lines that begin with `$ `, as they stand; ```sh
blocks on files that stand in for the reader's own, and shorter where they would take long. Nothing is left out unsaid."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import small_project

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("FAULTLINE", ROOT / "build/release/bin/faultline")).parent.parent
PAGES = sorted(
    page
    for page in ROOT.glob("**/*.md")
    if not {"build", "out", "node_modules"} & set(page.relative_to(ROOT).parts)
)
GUIDES = [page for page in PAGES if "```console" in page.read_text()]
SHORT = "pair:size=64,operations=200000"

# What the pages with ```sh blocks say in full, and what is run of it instead. Each must be there to be replaced.
SHORTER: dict[str, list[tuple[str, str]]] = {
    "README.md": [
        (
            r"^ci/(quickstart|test)$",
            "ci/\\1 --help",
        ),  # .ci/run is the second, which runs this; the first is its first half
        (r"larson4", SHORT),
        (
            r"alloc-test1:slots=1500000 --swap zram:1G",
            "alloc-test1:slots=1500000,operations=2000000 --swap zram:256M --limits 150 -r 1 -a system",
        ),
        (r"--rounds 20", "--rounds 2"),
        (r"(\S+ monitor -- \S+)$", r"TERM=xterm script -qec '\1' /dev/null"),  # which gives it a terminal
        (r"(stress .*)$", r"\1 --only conformance.free-null"),
        (r"(calibrate)$", rf"\1 {SHORT} --rounds 10 --budget 5m"),
        (r"(gate old=\S+ new=\S+)(.*)", rf"\1 {SHORT} --budget 5m\2 || test $? -eq 2"),
        (r"run full -a all", f"run {SHORT} -a system"),
    ],
    "workloads/stress/README.md": [
        (r"(stress -a system,mine=./libmine.so)", r"\1 --only conformance.free-null"),
        (r"--only conformance ", "--only conformance.free-null "),
        (r"--only misuse ", "--only misuse.double-free-small "),
    ],
}
# What is shown and not run, and why.
NOT_RUN = {
    "allocators/slabuddy/PERFORMANCE.md": "how the figures of that page were measured",
    "fuzz/README.md": "the label fuzz runs it",
    "harness/results/README.md": "no commands",
    "reports/tests/power/noise/README.md": "how the figures beside that page were measured",
    "workloads/trace/data/README.md": "how the traces beside that page were recorded",
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    return [
        line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")
    ]


def shorter_commands(page: str) -> list[str]:
    """Those of the page's ```sh blocks, without comments, with what SHORTER says instead."""
    lines = "".join(blocks(ROOT / page, "sh")).replace("\\\n", " ").splitlines()
    found = [re.sub(r"(^|\s+)#.*", "", line).strip() for line in lines]
    found = [line for line in found if line]
    for pattern, instead in SHORTER[page]:
        assert any(re.search(pattern, line) for line in found), f"{page} has no {pattern}"
        found = [re.sub(pattern, instead, line) for line in found]
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}:{ROOT / 'ci'}",  # last: it has an `install`
        "LD_LIBRARY_PATH": str(BUILD / "lib"),
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
        "XDG_DATA_HOME": str(folder.parent / "data"),
    }
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def read_as_a_user_does(command: str, folder: Path) -> str:
    """What this host lacks for it, as the program says it: mostly nothing."""
    done = run(command, folder)
    if done.returncode == 69:
        return f"{command}: {done.stderr.strip().splitlines()[-1]}"
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "nothing of these groups was counted" not in done.stdout, f"{command}\n{done.stdout}"
    return ""


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run(page: Path, tmp_path: Path) -> None:
    assert commands(page)
    if os.geteuid() != 0 and "as root" in page.read_text():
        pytest.skip("the page's commands are for root")
    folder = tmp_path / "folder"
    folder.mkdir()
    for command in commands(page):
        lacking = read_as_a_user_does(command, folder)
        if lacking:  # what comes after builds on it
            pytest.skip(lacking)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the reader has: faultline's build and scripts, a library, two builds of it, a program, and a repository of
    which the branch main is slower than v1.0."""
    folder = tmp_path / "project"
    (folder / "build").mkdir(parents=True)
    (folder / "build/release").symlink_to(BUILD)
    (folder / "ci").symlink_to(ROOT / "ci")
    (folder / "out").mkdir()
    source = (ROOT / "ci/example/mine.c").read_text()
    (folder / "Makefile").write_text(
        "build/libmine.so: mine.c\n\tmkdir -p build && $(CC) -O2 -fno-builtin -shared -fPIC -o $@ $<\n"
    )
    small_project.git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("/build\n/ci\n/out\n*.so\n*.json\n*.md\n/my-program\n")
    for delay in (1, 300):
        (folder / "mine.c").write_text(f"#define DELAY {delay}\n{source}")
        small_project.git(folder, "add", "-A")
        small_project.git(folder, "commit", "-q", "-m", f"Wait {delay}")
        if delay == 1:
            small_project.git(folder, "tag", "v1.0")
    for library in ("libmine.so", "build/a.so", "build/b.so"):
        symbols = "-g" if library == "build/b.so" else ""  # no change that a gate could see
        made = run(
            f"cc -O2 {symbols} -DDELAY=1 -fno-builtin -shared -fPIC -o {library} {ROOT}/ci/example/mine.c",
            folder,
        )
        assert made.returncode == 0, made.stderr
    (folder / "my-program").write_text("#!/usr/bin/perl\n$h{$_ % 1000} .= 'x' x ($_ % 50) for 1 .. 200000;\n")
    (folder / "my-program").chmod(0o755)
    return folder


@pytest.mark.parametrize("page", SHORTER)
def test_commands_run_on_what_stands_in_for_the_readers_own(page: str, project: Path) -> None:
    if page != "README.md":
        read_as_a_user_does(f"faultline run {SHORT} -a system --rounds 1 -q", project)
    for command in shorter_commands(page):
        if os.geteuid() != 0 and " pressure " in command:  # the page says: as root
            continue
        lacking = read_as_a_user_does(command, project)
        if lacking:
            assert "--engine slurm" in command, lacking  # the label slurm runs that on a cluster
            print(f"not here: {lacking}")


def test_no_block_is_left_out() -> None:
    known = re.compile(r"^(\s*)```(.*)\n", re.MULTILINE)
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        languages = set([language for _, language in known.findall(page.read_text())][::2]) - {"console"}
        if "sh" in languages:
            assert name in SHORTER, f"{name}: say in SHORTER how its ```sh blocks are run"
        if languages - {"sh"}:
            assert (
                name in NOT_RUN
            ), f"{name}: make its blocks ```console or ```sh, so that they are run, or say why not"
    for name in (*SHORTER, *NOT_RUN):
        assert (ROOT / name).is_file(), name


def spoken_of() -> list[tuple[str, str]]:
    """Page and command, wherever one is shown or spoken of: in blocks, between backquotes, in indented lines."""
    found = []
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        pieces = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        rest = re.sub(r"^```[a-z]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        pieces += re.findall(r"`([^`]+)`", rest) + re.findall(r"^    \S.*", rest, re.MULTILINE)
        for line in "\n".join(pieces).splitlines():
            found += [(str(page.relative_to(ROOT)), part) for part in re.split(r"\||&&|;|\s#\s", line)]
    return found


def test_commands_spoken_of_exist_with_their_options() -> None:
    helps: dict[str, str] = {}

    def help_of(words: str) -> str:
        if words not in helps:
            done = run(f"faultline {words} --help", ROOT)
            helps[words] = done.stdout if done.returncode == 0 else ""
        return helps[words]

    seen = 0
    for page, command in spoken_of():
        called = re.search(r"(?:^|[\s/])faultline ([a-z]+)\b(.*)", " ".join(command.split()))
        if called is None:
            continue
        name, rest = called.group(1), called.group(2).split(" -- ")[0]
        said = help_of(name)
        assert said, f"{page}: there is no faultline {name}: {command}"
        below = re.match(r" ([a-z]+)\b", rest)
        if name in ("trace", "history") and below:
            said += help_of(f"{name} {below.group(1)}")
        for option in re.findall(r"(?<=\s)--[a-z][a-z-]+", rest):
            seen += 1
            assert re.search(
                rf"{option}\b(?!-)", said
            ), f"{page}: faultline {name} has no {option}: {command}"
    assert seen > 50


def test_scripts_spoken_of_exist() -> None:
    for page, command in spoken_of():
        script = re.match(r"\s*(ci/[a-z-]+)(?=\s|$)", command)
        if script:
            assert (ROOT / script.group(1)).exists(), f"{page}: {command}"


def test_a_broken_command_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        read_as_a_user_does("faultline run nosuchworkload", tmp_path)
    with pytest.raises(AssertionError):
        read_as_a_user_does("faultline list --nosuchoption", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```console\n$ faultline list\nwhat it prints\n$ false\n```\n")
    assert commands(page) == ["faultline list", "false"]
