# Commands for `redis-cli --pipe`, in redis's own protocol: always the same.
use strict;
use warnings;

sub command {
    print '*', scalar(@_), "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @_;
    return;
}

for my $i (0 .. 59_999) {
    command('SET', "string:$i", 'x' x ($i * 7919 % 300));
    command('HSET', 'hash:' . $i % 997, "field:$i", "value $i") if $i % 3 == 0;
    command('RPUSH', 'list:' . $i % 499, "element $i") if $i % 4 == 0;
    command('ZADD', 'sorted:' . $i % 101, $i * 104_729 % 10_007, "member $i") if $i % 5 == 0;
    command('DEL', 'string:' . ($i - 5)) if $i % 7 == 0 && $i > 5;
    command('APPEND', 'string:' . int($i / 2), 'y' x ($i % 64)) if $i % 6 == 0;
}
