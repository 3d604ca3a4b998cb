#!/bin/sh
# What is measured of git: reading history, packing it anew, and checking it.
set -e
cd repository
git log -p -M --stat
git repack -q -a -d -f --threads=1
git reset -q --hard
git blame file007
git grep -c 'line 1' HEAD~20 -- | sort
git fsck --full --strict
