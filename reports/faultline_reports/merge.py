"""`faultline merge`: result documents that are parts of one plan, as one document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from faultline_reports import command, output, shards
from faultline_reports.errors import Exit, UserError

EXAMPLE = """example:
  faultline run quick -a system,mine=./libmine.so --seed 7 --rounds 10 -o one.json
  faultline run quick -a system,mine=./libmine.so --seed 7 --rounds 10 --first-round 10 -o two.json
  faultline merge one.json two.json -o whole.json"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline merge",
        description="Joins result documents that are parts of one plan: rounds that were run in slices (same "
        "seed, --first-round), or workloads that were run apart. Documents of different hosts, plans or "
        "libraries are refused.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("parts", metavar="RESULTS.json", nargs="+", help="documents of one plan")
    result.add_argument("-o", "--output", metavar="FILE.json", required=True, help="where to write the whole")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if len(options.parts) < 2:
        raise UserError(Exit.USAGE, "", "there is nothing to join with one document", "name two or more")
    joined = shards.join([shards.load(path) for path in options.parts])
    output.write(options.output, output.document_text(joined))
    print(options.output)
    return 0


def main() -> int:
    return command.main("faultline merge", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
