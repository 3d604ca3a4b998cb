"""ci/nightly where only the measuring is made up: two nights, and what it refuses."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import small_project
from nights import BRANCH, committed, nightly, runs

ATOM = "{http://www.w3.org/2005/Atom}"


def test_two_nights_have_a_history_and_a_site(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    git = small_project.git
    first = nightly(project, made_up, "--commit", "--base-url", "https://example.org/mine/", NIGHT="1")
    assert first.returncode == 0, first.stderr
    assert "a new history begins" in first.stdout
    # Where it was measured it could just as well be a fetched branch: the second night finds that one.
    git(project, "update-ref", f"refs/remotes/origin/{BRANCH}", BRANCH)
    git(project, "branch", "-D", BRANCH)
    (project / "out/nightly/site/old.html").write_text("of no night")
    second = nightly(project, made_up, "--commit", "--base-url", "https://example.org/mine/", NIGHT="2")
    assert second.returncode == 0, second.stderr

    found = runs(committed(project, "history.sqlite", tmp_path / "history.sqlite"))
    assert [run["revision"] for run in found] == [git(project, "rev-parse", "HEAD")] * 2
    assert git(project, "rev-list", "--count", BRANCH) == "2"
    files = set(git(project, "ls-tree", "-r", "--name-only", BRANCH).splitlines())
    assert {"history.sqlite", "site/index.html", "site/feed.xml", "site/allocators/mine/index.html"} <= files
    assert len([file for file in files if file.startswith("site/runs/") and file.endswith(".html")]) == 2
    assert "site/old.html" not in files and not [file for file in files if not file.startswith(("site", "h"))]
    feed = ElementTree.parse(committed(project, "site/feed.xml", tmp_path / "feed.xml"))
    links = [entry.find(f"{ATOM}link") for entry in feed.iter(f"{ATOM}entry")]
    assert len(links) == 2
    assert all(link is not None and link.get("href", "").startswith("https://example.org/") for link in links)
    # The folder holds the same, and the checkout is as it was.
    assert (project / "out/nightly/site/feed.xml").read_bytes() == (tmp_path / "feed.xml").read_bytes()
    assert "no change point" in (project / "out/nightly/summary.md").read_text()
    assert git(project, "worktree", "list").count("\n") == 0
    assert git(project, "branch", "--show-current") == "change"
    assert git(project, "status", "--porcelain", "--untracked-files=no") == ""


def test_bad_input_is_one_line(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50, broken=True)
    for arguments, status, says in (
        (("--revision", "nowhere"), 64, "no revision nowhere"),
        (("--colour", "red"), 64, "unknown argument --colour"),
        (("--keep", "many"), 64, "--keep is not a number"),
        (("--history", "h.sqlite", "--branch", "b"), 64, "not both"),
        (("--history", "h.sqlite", "--commit"), 64, "a history on a branch"),
        (("--branch", "main"), 65, "main holds no history.sqlite"),
        (("--rounds",), 64, "needs a value"),
        (("--suite", "quikc"), 64, '"quikc" is no suite, workload or file'),
        (("--against", "systm"), 64, 'unknown allocator "systm"'),
        (("--since-last", "soon"), 64, "'soon' is not a time"),
        (("--history", "postgresql://me@127.0.0.1:1/none"), 69, "127.0.0.1"),
        (("--library", "libother.so", "--revision", "main"), 70, "made no libother.so"),
    ):
        done = nightly(project, made_up, *arguments, NIGHT="1")
        assert done.returncode == status, (arguments, done.stderr)
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1
    failed = nightly(project, made_up, NIGHT="1")
    assert failed.returncode == 70 and "the build of mine failed" in failed.stderr.splitlines()[-1]
    assert not (tmp_path / "called").exists()
