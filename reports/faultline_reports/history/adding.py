"""`faultline history add`: puts runs into a history.

Neither SQLAlchemy nor anything that draws or detects is imported for it: that takes longer than the addition.
"""

from __future__ import annotations

import argparse
import re
import subprocess

from faultline_reports import formatting, shards
from faultline_reports.ab.table import print_json
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.history import points, writing


def run(options: argparse.Namespace) -> int:
    revision = commit_of(options.revision)
    kept = []
    for path in options.results:
        raw, loaded = shards.load(path)
        kept.append((path, points.record(raw, loaded, revision, options.reference)))
    shown = []
    with writing.opened(options.db or writing.default_place()) as history:
        for path, one in kept:
            new = history.add(one.record)
            shown.append({"document": path, "run": one.record.run.digest, "new": new,
                          "points": len(one.record.points), "notes": list(one.notes)})  # fmt: skip
            if not options.json:
                figures = formatting.count(len(one.record.points), "figure")
                print(f"{path}: {figures} added" if new else f"{path}: was there already")
                for note in one.notes:
                    print(f"{path}: {note}")
    if options.json:
        print_json({"history": history.where, "added": shown})
    return 0


def commit_of(text: str) -> str:
    """What git here makes of `text`; a hash that git does not know here is taken as it is."""
    if not text:
        return ""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout.strip().splitlines()[-1]
    except FileNotFoundError:
        pass
    if re.fullmatch(r"[0-9a-f]{7,64}", text):
        return text
    raise UserError(Exit.USAGE, "--revision", f"{visible(text)} is no commit here", "give its full hash")
