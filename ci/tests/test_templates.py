"""The files that other projects copy: what they may do and what they call; and two nights of the GitHub workflow,
its steps run in turn."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nights
import pytest
import small_project
import yaml

CI = Path(__file__).resolve().parent.parent
TEMPLATES = CI / "templates"
PULL_REQUEST = TEMPLATES / "github-pull-request.yml"
WORKFLOWS = sorted(TEMPLATES.glob("github-*.yml"))
ACTION = CI / "github" / "action.yml"
GITLAB = sorted(TEMPLATES.glob("gitlab*.yml"))
# Actions that call others by a tag at these commits: pinning them pins too little.
LOOSE = {"actions/upload-pages-artifact@56afc609e74202658d3ffba0e8f6dda462b719fa"}
# Besides reading the contents; each with why.
MAY = {
    ("github-nightly.yml", "publish"): {
        "contents": "write",  # the history's branch
        "pages": "write",
        "id-token": "write",  # Pages asks for it
    }
}


def jobs_of(document: dict[str, Any]) -> dict[str, Any]:
    return {"action": document["runs"]} if "runs" in document else dict(document["jobs"])


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_nothing_unpinned_and_no_secret(path: Path) -> None:
    text = path.read_text()
    for job in jobs_of(yaml.safe_load(text)).values():
        assert "uses" not in job, "another repository's workflow"
        for step in job["steps"]:
            uses = step.get("uses", "./")
            assert uses.startswith("./") or re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", uses), uses
            assert uses not in LOOSE
            if "/upload-artifact@" in uses:
                assert step["with"]["overwrite"] is True, "a job that is run again uploads again"
            assert "${{" not in step.get("run", ""), "values go through the environment"
    assert "secrets." not in text
    assert "pull_request_target" not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_only_reads_but_where_it_must_write(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {"contents": "read"}
    for name, job in document["jobs"].items():
        assert job.get("permissions", {}) == MAY.get((path.name, name), {})
        writes = "write" in job.get("permissions", {}).values()
        for step in job["steps"]:
            if not writes and step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            # Where something may be written nothing of the project is run.
            assert not (writes and re.search(r"make|cmake|ci/|BUILD", step.get("run", "")))


def test_pull_request_template_is_short() -> None:
    assert len(PULL_REQUEST.read_text().splitlines()) <= 30


def test_the_scripts_know_what_the_templates_say() -> None:
    for path in (*WORKFLOWS, *GITLAB):
        text = path.read_text().replace("\\\n", " ")
        for name in set(re.findall(r"faultline/ci/([\w-]+)", text)) - {"github"}:
            assert os.access(CI / name, os.X_OK), name
        for name in ("pr-gate", "nightly"):
            known = set(re.findall(r"--[a-z-]+", (CI / name).read_text()))
            for call in re.findall(rf"ci/{name} .*?(?:\|\||\n *- |\n\w)", text, re.DOTALL):
                said = set(re.findall(r"(?<= )--[a-z-]+", call))
                assert said and said <= known, said - known


def run_step(job: dict[str, Any], name: str, folder: Path, **environment: str) -> int:
    """Ends as the step of that name does, with the step's own environment where none is given."""
    (step,) = [step for step in job["steps"] if step.get("name") == name]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GIT_"))}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**kept, **step.get("env", {}), **environment},
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode


def gate_of_gitlab(project: Path, tmp_path: Path, **environment: str) -> str:
    """What the job of a merge request gives pr-gate, a word a line."""
    asked = tmp_path / "asked"
    script = yaml.safe_load((TEMPLATES / "gitlab-ci.yml").read_text())["faultline-gate"]["script"]
    lines = "\n".join(script).replace("/opt/faultline/ci/pr-gate", f"printf '%s\\n' > {asked}")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", lines],
        cwd=project,
        env={**os.environ, "BUILD": small_project.BUILD, "LIBRARY": "libmine.so", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return asked.read_text()


def test_gitlab_gates_a_fork_against_the_project_and_not_against_the_forks_own_branch(
    tmp_path: Path,
) -> None:
    upstream = small_project.make(tmp_path / "upstream", 1, 1)
    small_project.git(upstream, "checkout", "-q", "main")
    fork = tmp_path / "fork.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(upstream), str(fork)], check=True)
    (upstream / "upstream's own").touch()
    small_project.git(upstream, "add", "-A")
    small_project.git(upstream, "commit", "-q", "-m", "A change that the fork's main does not have")
    target = small_project.git(upstream, "rev-parse", "HEAD").strip()
    checkout = tmp_path / "checkout"  # of the merge request, whose branch is based on it
    subprocess.run(["git", "clone", "-q", str(upstream), str(checkout)], check=True)
    small_project.git(checkout, "remote", "set-url", "origin", str(fork))

    detached = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": target}
    assert f"--base\n{target}\n" in gate_of_gitlab(checkout, tmp_path, **detached)
    merged = {**detached, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "0123456789abcdef"}  # merged results
    assert "--base\n0123456789abcdef\n" in gate_of_gitlab(checkout, tmp_path, **merged)


def test_two_nights_of_the_github_workflow(tmp_path: Path, made_up: Path) -> None:
    jobs = yaml.safe_load((TEMPLATES / "github-nightly.yml").read_text())["jobs"]
    project = small_project.make(tmp_path / "project", 1, 50)
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(project), str(origin)], check=True)

    def checkout(name: str) -> Path:
        subprocess.run(["git", "clone", "-q", "-b", "main", str(origin), str(tmp_path / name)], check=True)
        return tmp_path / name

    for night in ("1", "2"):
        if night == "2":  # a new commit, which the gate since the last night refuses
            small_project.git(project, "push", "-q", str(origin), "change:main")
        temporary = tmp_path / f"temporary-{night}"
        temporary.mkdir()
        measured = checkout(f"measured-{night}")
        (measured / ".faultline").symlink_to(CI.parent)
        status = run_step(
            jobs["measure"],
            "Measure",
            measured,
            PATH=f"{made_up.parent}:{os.environ['PATH']}",
            BUILD=small_project.BUILD,
            LIBRARY="libmine.so",
            RUNNER_TEMP=str(temporary),
            GITHUB_OUTPUT=str(temporary / "output"),
            GITHUB_STEP_SUMMARY=str(temporary / "summary"),
            GITHUB_REPOSITORY="me/mine",
            GITHUB_REPOSITORY_OWNER="me",
            NIGHT=night,
            GATE="1",
        )
        assert status == (0 if night == "1" else 1)
        assert (temporary / "output").read_text() == "kept=yes\n"
        assert "History" in (temporary / "summary").read_text()
        assert "https://me.github.io/mine/" in (temporary / "nightly/site/feed.xml").read_text()
        publishing = checkout(f"publishing-{night}")
        assert run_step(jobs["publish"], "Keep the history", publishing, RUNNER_TEMP=str(temporary)) == 0
        assert small_project.git(origin, "rev-list", "--count", nights.BRANCH) == night
    found = nights.runs(nights.committed(origin, "history.sqlite", tmp_path / "history.sqlite"))
    assert len(found) == 2
