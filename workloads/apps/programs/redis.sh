#!/bin/sh
# Load for redis: the prepared commands, then redis-benchmark, whose keys are random and so are deleted before the
# content is judged.
set -e
redis-cli -s "$1" --pipe <commands
redis-benchmark -s "$1" -n "$2" -c 20 -P 4 -r 20000 -d 100 -q -t set,get,lpush,lpop,sadd,hset,zadd >/dev/null
redis-cli -s "$1" --scan --pattern '*__rand_int__*' | xargs -r redis-cli -s "$1" unlink >/dev/null
for key in string:100 hash:7 list:9 sorted:3; do redis-cli -s "$1" type "$key"; done
redis-cli -s "$1" hget hash:7 field:1005
redis-cli -s "$1" lrange list:4 0 5
redis-cli -s "$1" zrange sorted:5 0 5 withscores
redis-cli -s "$1" strlen string:30000
