# A history for `git fast-import`: 900 commits that change some of 60 files. Always the same.
use strict;
use warnings;

my @files = map { [ map { "line $_\n" } 1 .. 80 ] } 0 .. 59;
for my $commit (1 .. 900) {
    my $when = 1_577_836_800 + $commit * 3600;
    print "commit refs/heads/main\ncommitter A U Thor <author\@example.com> $when +0000\n";
    my $message = "change $commit\n\n" . "why " x ($commit % 40) . "\n";
    print 'data ', length $message, "\n$message";
    for my $file (map { ($commit * 31 + $_ * 7) % 60 } 0 .. 4) {
        my $lines = $files[$file];
        $lines->[ $commit * $_ % @$lines ] = "line $commit of change $_\n" for 1 .. 3;
        push @$lines, "grown by $commit\n" if $commit % 3 == 0;
        my $content = join '', @$lines;
        printf "M 100644 inline file%03d\ndata %d\n%s\n", $file, length $content, $content;
    }
}
