"""Which accusations are not in the table of README.md, by document of `faultline stress`.

Usage: known.py STRESS.json...  Exit status 1 when there is one.
"""

import json
import pathlib
import re
import sys
from typing import NamedTuple


class Row(NamedTuple):
    allocator: str
    version: str
    checks: list
    case: str
    sometimes: bool  # the program does not always show it

    def confirmation(self):
        return self.allocator, self.version, self.case, self.sometimes


def rows():
    for line in (pathlib.Path(__file__).parent / "README.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] not in ("allocator", "---"):
            name, version = cells[0].split(" ", 1)
            checks = re.findall(r"[a-z]+\.[a-z0-9-]+", cells[1])
            yield Row(name, version, checks, cells[2].split(" ")[0], "(sometimes)" in cells[2])


def unknown(document):
    """Each accusation that no row has, as "CHECK on ALLOCATOR: WHY"; misuse is no row's matter."""
    versions = {one["name"]: one["version"] for one in document["plan"]["allocators"]}
    known = {(row.allocator, check): row.version for row in rows() for check in row.checks}
    for result in document["results"]:
        allocator, check = result["allocator"], result["check"]
        version = known.get((allocator, check))
        is_known = version is not None and versions[allocator].startswith(version)
        if result["verdict"] == "broken" and not is_known:
            yield f"{check} on {allocator}: {result['why']}"


def main():
    new = 0
    for path in sys.argv[1:]:
        document = json.loads(pathlib.Path(path).read_text("utf-8"))
        broken = sum(result["verdict"] == "broken" for result in document["results"])
        beyond = list(unknown(document))
        print(f"{path}: {broken} accusations in {len(document['results'])} results, {len(beyond)} new")
        for line in beyond:
            print(f"  {line}")
        new += len(beyond)
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
