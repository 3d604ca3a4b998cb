# A small site for nginx: files of a few bytes to a few hundred kilobytes, with fixed times.
use strict;
use warnings;

mkdir 'site' or die "site: $!";
for my $i (0 .. 39) {
    my $path = sprintf 'site/page%02d.txt', $i;
    open my $page, '>', $path or die "$path: $!";
    print {$page} map { "line $_ of page $i\n" } 1 .. $i * $i * 7 + 1;
    close $page or die "$path: $!";
    utime 1_577_836_800, 1_577_836_800, $path;
}
