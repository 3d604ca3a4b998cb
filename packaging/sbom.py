#!/usr/bin/python3
"""Writes the bill of materials of built Debian packages: SPDX 2.3 as JSON.

    packaging/sbom.py PACKAGE.deb... > faultline.spdx.json

One SPDX package for each .deb with its SHA-256 and the Debian packages it depends on, and one for each Debian
package of the group `build` in ci/packages.txt, in the version installed here: most are headers or static libraries
that are compiled in. The same packages give the same bytes: the time is SOURCE_DATE_EPOCH.
"""

import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

# Whose packages these are: ID as in os-release(5), which package URLs have, too.
try:
    DISTRIBUTION = platform.freedesktop_os_release()["ID"]
except OSError:  # a bare system has no such file
    DISTRIBUTION = "debian"
PACKAGES = Path(__file__).resolve().parent.parent / "ci" / "packages.txt"


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def spdx_id(name: str) -> str:
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def installed_version(package: str) -> str | None:
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package], capture_output=True, text=True
    ).stdout.split()
    return answer[1] if answer[:1] == ["installed"] else None


def debian_package(name: str, version: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "SPDXID": spdx_id(f"{DISTRIBUTION}-{name}"),
        "name": name,
        "supplier": f"Organization: {DISTRIBUTION.capitalize()}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }
    if version:
        entry["versionInfo"] = version
        locator = f"pkg:deb/{DISTRIBUTION}/{name}@{version}"
        entry["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
        ]
    return entry


def own_package(deb: Path) -> tuple[dict[str, Any], list[str]]:
    """The .deb itself, and the names it depends on (the first of alternatives)."""
    name, version, depends = (
        output("dpkg-deb", "-f", str(deb), field) for field in ("Package", "Version", "Depends")
    )
    entry = {
        "SPDXID": spdx_id(name),
        "name": name,
        "versionInfo": version,
        "packageFileName": deb.name,
        "supplier": "Organization: faultline",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(deb.read_bytes()).hexdigest()}],
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
    }
    return entry, [re.split(r"[ |(]", part.strip())[0] for part in depends.split(",") if part.strip()]


def build_packages() -> list[str]:
    rows = (line.split() for line in PACKAGES.read_text().splitlines())
    return [row[1].split("|")[0] for row in rows if row[:1] == ["build"]]


def document(debs: list[Path]) -> dict[str, Any]:
    packages: dict[str, dict[str, Any]] = {}
    relations = []

    def relate(one: str, kind: str, other: str) -> None:
        relations.append({"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other})

    own = [own_package(deb) for deb in debs]
    for entry, _ in own:
        packages[entry["name"]] = entry
        relate("SPDXRef-DOCUMENT", "DESCRIBES", entry["SPDXID"])
    for entry, depends in own:
        for name in depends:
            other = packages.setdefault(name, debian_package(name, installed_version(name)))
            relate(entry["SPDXID"], "DEPENDS_ON", other["SPDXID"])
    for name in build_packages():
        version = installed_version(name)
        if version:  # an optional one that was not there is in no build
            other = packages.setdefault(name, debian_package(name, version))
            for entry, _ in own:
                if not entry["packageFileName"].endswith("_all.deb"):
                    relate(other["SPDXID"], "BUILD_DEPENDENCY_OF", entry["SPDXID"])
    sums = "".join(entry["checksums"][0]["checksumValue"] for entry, _ in own)
    stamp = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc
    )
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "faultline",
        "documentNamespace": "https://faultline.invalid/spdx/" + hashlib.sha256(sums.encode()).hexdigest(),
        "creationInfo": {
            "created": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: faultline-packaging-sbom"],
        },
        "packages": list(packages.values()),
        "relationships": relations,
    }


def main() -> int:
    debs = [Path(name) for name in sys.argv[1:]]
    missing = [str(deb) for deb in debs if not deb.is_file()]
    if missing or not debs:
        print(f"sbom.py: {missing[0] + ' is not there' if missing else 'name .deb files'}", file=sys.stderr)
        return 66 if missing else 64
    json.dump(document(sorted(debs)), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
