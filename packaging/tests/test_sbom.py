"""The bill of materials of two made-up packages holds what SPDX 2.3 asks for, and says what is in them."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SBOM = Path(__file__).resolve().parent.parent / "sbom.py"
CONTROL = """Package: {name}
Version: 1.2.3-1
Architecture: {architecture}
Maintainer: A Maintainer <maintainer@example.org>
Description: made up
Depends: {depends}
"""


def deb(folder: Path, name: str, architecture: str, depends: str) -> Path:
    control = folder / name / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(CONTROL.format(name=name, architecture=architecture, depends=depends))
    path = folder / f"{name}_1.2.3-1_{architecture}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", str(folder / name), str(path)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return path


@pytest.fixture
def made(tmp_path: Path) -> tuple[list[Path], dict[str, Any]]:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is missing")
    debs = [
        deb(tmp_path, "faultline", "amd64", "libc6 (>= 2.34), libslabuddy0.1, python3 | python3-minimal"),
        deb(tmp_path, "faultline-doc", "all", "faultline"),
    ]
    done = subprocess.run(
        [str(SBOM), *map(str, debs)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )
    return debs, json.loads(done.stdout)


def test_every_field_that_spdx_asks_for_is_there(made: tuple[list[Path], dict[str, Any]]) -> None:
    document = made[1]
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
    assert document["SPDXID"] == "SPDXRef-DOCUMENT" and "#" not in document["documentNamespace"]
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    assert all(
        re.match(r"(Tool|Organization|Person): ", name) for name in document["creationInfo"]["creators"]
    )
    names = [package["SPDXID"] for package in document["packages"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)
    for package in document["packages"]:
        assert package["name"] and package["downloadLocation"] == "NOASSERTION"
        assert package["filesAnalyzed"] is False
        assert re.match(r"(Organization|Person): ", package["supplier"])
    for relation in document["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {*names, "SPDXRef-DOCUMENT"}
        assert relation["relationshipType"] in ("DESCRIBES", "DEPENDS_ON", "BUILD_DEPENDENCY_OF")


def test_it_says_what_the_packages_are_and_need(made: tuple[list[Path], dict[str, Any]]) -> None:
    debs, document = made
    packages = {package["name"]: package for package in document["packages"]}
    for path in debs:
        package = packages[path.name.split("_")[0]]
        assert package["versionInfo"] == "1.2.3-1" and package["packageFileName"] == path.name
        assert package["checksums"] == [
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(path.read_bytes()).hexdigest()}
        ]
    related = {
        (relation["spdxElementId"], relation["relationshipType"], relation["relatedSpdxElement"])
        for relation in document["relationships"]
    }
    for need in ("libc6", "libslabuddy0.1", "python3"):
        assert ("SPDXRef-faultline", "DEPENDS_ON", packages[need]["SPDXID"]) in related
    assert ("SPDXRef-faultline-doc", "DEPENDS_ON", "SPDXRef-faultline") in related
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-faultline-doc") in related
    version = subprocess.check_output(["dpkg-query", "-W", "-f", "${Version}", "libc6"], text=True)
    assert packages["libc6"]["externalRefs"][0]["referenceLocator"] == f"pkg:deb/debian/libc6@{version}"
    # Documentation is built of no library.
    assert not [
        relation for relation in related if relation[1:] == ("BUILD_DEPENDENCY_OF", "SPDXRef-faultline-doc")
    ]


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run([str(SBOM), str(tmp_path / "no.deb")], capture_output=True, text=True)
    assert done.returncode == 66 and done.stdout == "" and done.stderr.count("\n") == 1
