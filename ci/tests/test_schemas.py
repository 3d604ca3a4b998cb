"""The form of the files that other projects copy, by GitHub's and GitLab's schemas, which come from npm."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

CI = Path(__file__).resolve().parent.parent
PULL_REQUEST = CI / "templates" / "github-pull-request.yml"
GITHUB = [CI / "github" / "action.yml", *sorted((CI / "templates").glob("github-*.yml"))]
GITLAB = sorted((CI / "templates").glob("gitlab*.yml"))
PACKAGES = Path(__file__).resolve().parent / "schemas" / "node_modules"
VALIDATOR = PACKAGES / "@action-validator/cli/cli.mjs"
GITLAB_SCHEMA = PACKAGES / "gitlab-ci-local/src/schema/schema.json"


def github_complains(path: Path) -> str:
    if shutil.which("node") is None or not VALIDATOR.exists():
        pytest.skip("node or its packages are missing; run ci/install tests")
    done = subprocess.run(["node", str(VALIDATOR), str(path)], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def gitlab_complains(document: dict[str, Any]) -> list[str]:
    if not GITLAB_SCHEMA.exists():
        pytest.skip("node packages are missing; run ci/install tests")
    schema = json.loads(GITLAB_SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{list(error.path)}: {error.message}"[:500] for error in validator.iter_errors(document)]


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_github_would_read_it(path: Path) -> None:
    assert github_complains(path) == ""


@pytest.mark.parametrize(
    "change",
    [
        ("runs-on", "run-on"),
        ("timeout-minutes: 60", "timeout-minutes: soon"),
        ("contents: read", "contents: eat"),
    ],
)
def test_github_would_refuse_a_mistake(tmp_path: Path, change: tuple[str, str]) -> None:
    text = PULL_REQUEST.read_text()
    assert change[0] in text
    path = tmp_path / PULL_REQUEST.name
    path.write_text(text.replace(*change))
    assert github_complains(path)


@pytest.mark.parametrize("path", GITLAB, ids=lambda path: path.name)
def test_gitlab_would_read_it_and_refuse_a_mistake(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert gitlab_complains(document) == []
    document["faultline-gate"]["artifacts"]["when"] = "sometimes"
    assert gitlab_complains(document)
