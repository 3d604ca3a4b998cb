"""`faultline merge`: result documents that are parts of one plan, as one document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from faultline_reports import command, document, hosts, output, shard_set, shards
from faultline_reports.ab.table import aligned, print_json
from faultline_reports.errors import Exit, UserError

EXAMPLE = """examples:
  faultline run quick -a system,mine=./libmine.so --seed 7 --rounds 10 -o one.json
  faultline run quick -a system,mine=./libmine.so --seed 7 --rounds 10 --first-round 10 -o two.json
  faultline merge one.json two.json -o whole.json
  faultline run quick --seed 7 --shard 1/2 -o shard1.json    # on one node
  faultline run quick --seed 7 --shard 2/2 -o shard2.json    # on another of the same kind
  faultline merge shard1.json shard2.json -o whole.json
  faultline merge laptop.json server.json arm.json --random-effects system mine"""

ALONE = "there is nothing to join with one document"


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline merge",
        description="Joins result documents that are parts of one plan: rounds run in slices (one seed, "
        "--first-round), workloads run apart, or all shards of a plan (--shard). Documents of "
        "different hosts, plans or libraries are refused, unless --random-effects asks what holds on average "
        "over hosts.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("parts", metavar="RESULTS.json", nargs="+", help="documents of one plan")
    result.add_argument("-o", "--output", metavar="FILE.json", help="where to write the whole")
    result.add_argument(
        "--random-effects",
        metavar=("BASE", "CANDIDATE"),
        nargs=2,
        help="documents of different hosts: compare these allocators on each, and print the average with how "
        "much hosts differ",
    )
    result.add_argument("--json", action="store_true", help="with --random-effects: print JSON")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.random_effects:
        return _over_hosts(options)
    if options.output is None:
        raise UserError(Exit.USAGE, "", "-o is missing", "name the file to write, as -o whole.json")
    parts = [shards.load(path) for path in options.parts]
    if len(parts) < 2 and shard_set.shard_of(parts[0][0]) is None:
        raise UserError(Exit.USAGE, "", ALONE, "name two or more")
    joined = shards.join(parts)
    output.write(options.output, output.document_text(joined))
    print(options.output)
    return 0


def _over_hosts(options: argparse.Namespace) -> int:
    if options.output is not None:
        raise UserError(Exit.USAGE, "-o", "is for parts of one plan", "leave it out: the table is printed")
    if len(options.parts) < 2:
        raise UserError(Exit.USAGE, "", ALONE, "name two or more")
    base, candidate = options.random_effects
    rows = hosts.join([document.load(path) for path in options.parts], base, candidate)
    if options.json:
        value = {"base": base, "candidate": candidate, "documents": options.parts}
        method = "DerSimonian-Laird, Hartung-Knapp"
        print_json({**value, "method": method, "rows": [hosts.json_row(row) for row in rows]})
        return 0
    print(f"{candidate} compared with {base} on each host, joined by random effects\n")
    print("\n".join(aligned([list(hosts.HEADS), *map(hosts.cells, rows)], left=(0, 1, 8))))
    print("\nbetween hosts: the deviation of their effects beyond chance; p: of their being the same")
    return 0


def main() -> int:
    return command.main("faultline merge", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
