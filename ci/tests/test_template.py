"""ci/template: what it prints is pinned to a commit that is there, is what the template says otherwise, and GitHub and
GitLab would read it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import small_project
import test_schemas
import yaml

CI = Path(__file__).resolve().parent.parent
BUILD = "cmake -B out -G \"Unix Makefiles\" && cmake --build out # a\\b: & | '*'"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout of a faultline that was cloned from GitHub, and its commit is there."""
    folder = tmp_path / "faultline"
    (folder / "ci").mkdir(parents=True)
    shutil.copy(CI / "template", folder / "ci")
    shutil.copytree(CI / "templates", folder / "ci/templates")
    small_project.git(folder, "init", "-q", "-b", "main")
    small_project.git(folder, "add", "-A")
    small_project.git(folder, "commit", "-q", "-m", "Begin")
    small_project.git(folder, "remote", "add", "origin", "git@github.com:them/faultline.git")
    small_project.git(folder, "update-ref", "refs/remotes/origin/main", "main")
    return folder


def template(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(folder / "ci/template"), *arguments], capture_output=True, text=True)


def printed(folder: Path, *arguments: str) -> str:
    done = template(folder, *arguments)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def test_templates_name_no_place_and_no_release() -> None:
    """Nobody but their reader can know those, and a name that somebody else may take would be run."""
    for path in (CI / "templates").glob("*.yml"):
        for name, value in re.findall(
            r"^ +(repository|ref|FAULTLINE\w*): (\S+)", path.read_text(), re.MULTILINE
        ):
            assert value in (
                "OWNER/faultline",
                "https://HOST/OWNER/faultline.git",
                "COMMIT",
            ), (path.name, name)


@pytest.mark.parametrize("name", ["github-pull-request", "github-nightly"])
def test_github(clone: Path, tmp_path: Path, name: str) -> None:
    text = printed(clone, name, "--library", "out/libmine.so", "--build", BUILD)
    assert not re.search(r"\b(OWNER|COMMIT|HOST)\b|: make -j2|: build/libmine", text)
    pins = re.findall(r"repository: (\S+) .*\n +ref: (\S+)", text)
    assert pins == [("them/faultline", small_project.git(clone, "rev-parse", "HEAD"))]
    assert len(text.splitlines()) == len((CI / f"templates/{name}.yml").read_text().splitlines())
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    values = [value for step in steps for key in ("with", "env") for value in step.get(key, {}).values()]
    assert BUILD in values and "out/libmine.so" in values
    path = tmp_path / "workflow.yml"
    path.write_text(text)
    assert test_schemas.github_complains(path) == ""


def test_gitlab(clone: Path) -> None:
    small_project.git(
        clone,
        "remote",
        "set-url",
        "origin",
        "https://me:password@example.org/them/faultline.git",
    )
    text = printed(clone, "gitlab-ci", "--library", "out/libmine.so", "--build", BUILD)
    assert "password" not in text
    document = yaml.safe_load(text)
    variables = document[".faultline"]["variables"]
    assert variables["FAULTLINE"] == "https://example.org/them/faultline.git"
    assert variables["FAULTLINE_COMMIT"] == small_project.git(clone, "rev-parse", "HEAD")
    assert variables["BUILD"] == BUILD and variables["LIBRARY"] == "out/libmine.so"
    assert test_schemas.gitlab_complains(document) == []


def test_gitlab_fetches_that_commit_and_no_other(clone: Path, tmp_path: Path) -> None:
    document = yaml.safe_load((CI / "templates/gitlab-ci.yml").read_text())
    lines = [
        line for line in document[".faultline"]["before_script"] if "git " in line and "FETCH" in line.upper()
    ]
    pinned = small_project.git(clone, "rev-parse", "HEAD")
    small_project.git(clone, "commit", "-q", "--allow-empty", "-m", "Later")
    place = tmp_path / "fetched"
    script = "\n".join(lines).replace("/opt/faultline", str(place))
    environment = {
        "PATH": "/usr/bin:/bin",
        "FAULTLINE": f"file://{clone}",
        "FAULTLINE_COMMIT": pinned,
    }
    subprocess.run(["sh", "-ec", script], check=True, env=environment)
    assert small_project.git(place, "rev-parse", "HEAD") == pinned


def test_a_commit_that_nobody_else_has_is_told(clone: Path) -> None:
    small_project.git(clone, "commit", "-q", "--allow-empty", "-m", "Of mine alone")
    done = template(clone, "github-nightly", "--library", "libmine.so")
    assert done.returncode == 0 and "push it first" in done.stderr
    printed(clone, "github-nightly", "--library", "libmine.so", "--commit", "HEAD~1")


def test_a_release_is_pinned_to_its_commit(clone: Path) -> None:
    small_project.git(clone, "tag", "-a", "-m", "First", "v0.1.0")
    small_project.git(clone, "commit", "-q", "--allow-empty", "-m", "Later")
    text = printed(clone, "github-pull-request", "--library", "libmine.so", "--commit", "v0.1.0")
    assert f"ref: {small_project.git(clone, 'rev-parse', 'v0.1.0^{commit}')} " in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gitlab", "--library", "l.so"), "there is no template gitlab"),
        ((), "there is no template"),
        (("gitlab-ci",), "--library is missing"),
        (
            ("gitlab-ci", "--library", "l.so", "--repository", "me/faultline"),
            "--repository is not a URL that begins with https://: me/faultline",
        ),
        (
            ("gitlab-ci", "--library", "l.so", "--repository", "git@example.org:me/faultline.git"),
            "--repository is not a URL",
        ),
        (
            (
                "github-nightly",
                "--library",
                "l.so",
                "--repository",
                "https://example.org/x",
            ),
            "is not OWNER/NAME",
        ),
        (
            ("github-nightly", "--library", "l.so", "--commit", "v9.9.9"),
            "there is no commit v9.9.9",
        ),
        (("github-nightly", "--colour", "red"), "--colour"),
    ],
)
def test_bad_input_is_one_line(clone: Path, arguments: tuple[str, ...], says: str) -> None:
    done = template(clone, *arguments)
    assert done.returncode == 64 and done.stdout == ""
    assert says in done.stderr and done.stderr.count("\n") == 1


def test_where_the_checkout_is_from_nowhere_the_place_is_asked_for(clone: Path) -> None:
    small_project.git(clone, "remote", "set-url", "origin", "/home/me/faultline")
    done = template(clone, "github-pull-request", "--library", "l.so")
    assert done.returncode == 64 and "say --repository" in done.stderr
    assert "me/fork #" in printed(
        clone, "github-pull-request", "--library", "l.so", "--repository", "me/fork"
    )
