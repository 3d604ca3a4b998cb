#!/bin/sh
# Load for postgres: pgbench's tables and selects from two clients, then queries that sort, join and aggregate.
set -e
pgbench -q -i -h "$1" -U tester postgres
pgbench -S -h "$1" -U tester -n -c 2 -j 2 -t "$(($2 / 2))" --random-seed=1 postgres >helpers
psql -h "$1" -U tester -At postgres <<SQL
SELECT sum(i) FROM generate_series(1, 100) i;
SELECT count(*), sum(aid), max(length(filler)) FROM pgbench_accounts;
SELECT md5(string_agg(md5(aid::text || filler), '' ORDER BY aid * 7919 % 100003)) FROM pgbench_accounts;
SELECT i % 17, count(DISTINCT i * i % 1009), avg(i) FROM generate_series(1, 200000) i GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM pgbench_accounts a JOIN pgbench_accounts b ON a.aid = b.aid * 3 % 100000;
SELECT length(json_agg(x)::text) FROM (SELECT i, repeat('x', i % 50) FROM generate_series(1, 50000) i) x;
SQL
