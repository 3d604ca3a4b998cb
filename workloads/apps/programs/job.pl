# A fixed job for perl that allocates as programs do: nested data, strings, closures, cycles broken by hand.
use strict;
use warnings;

my (%index, @records, $total);
for my $i (0 .. 59_999) {
    my $record = { id => $i, name => "record $i", tags => [ map { "tag" . $i * $_ % 101 } 1 .. $i % 6 ] };
    push @records, $record;
    $index{$_}{$i} = $record for @{ $record->{tags} };
}
for my $tag (sort keys %index) {
    my @ids = sort { $a <=> $b } keys %{ $index{$tag} };
    $total += $ids[0] + @ids;
}
my $text = join ' ', map { "$_->{name}=" . join(',', @{ $_->{tags} }) . ';' } @records;
my %counts;
$counts{$1}++ while $text =~ /(tag\d+)[,;]/g;
(my $shouted = $text) =~ s/tag(\d+)/'TAG' . $1 * 2/ge;
my @adders = map { my $n = $_; sub { $n + $_[0] } } 1 .. 20_000;
$total += $_->(3) for @adders;
splice @records, 0, 30_000;
print "$_ $counts{$_}\n" for (sort { $counts{$b} <=> $counts{$a} || $a cmp $b } keys %counts)[0 .. 4];
print "total $total ", length $shouted, "\n";
