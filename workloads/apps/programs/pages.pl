# PostScript pages for ghostscript: text in several sizes, curves, a shading, clipped patterns. Always the same.
use strict;
use warnings;

print "%!PS-Adobe-3.0\n%%Pages: 12\n";
for my $page (1 .. 12) {
    print "%%Page: $page $page\n";
    for my $i (0 .. 59) {
        my ($x, $y, $size) = ($i * 97 % 480 + 20, 780 - $i * 12, 5 + $i * 7 % 9);
        my $font = ('Times-Roman', 'Helvetica-Bold', 'Courier')[ ($i + $page) % 3 ];
        print "/$font findfont $size scalefont setfont 0 setgray $x $y moveto (page $page line $i of many) show\n";
    }
    for my $i (0 .. 299) {
        my @p = map { ($i * $_ + $page * 53) % 600 } 7, 31, 61, 89, 101, 127, 149, 163;
        printf "%.2f %.2f %.2f setrgbcolor newpath %d %d moveto %d %d %d %d %d %d curveto %s\n", $i % 10 / 10,
            $i % 7 / 7, $page / 12, @p, $i % 3 ? 'stroke' : 'closepath fill';
    }
    my $r = 60 + $page * 12;
    print "gsave 300 400 $r 0 360 arc clip << /ShadingType 3 /ColorSpace /DeviceRGB /Coords [300 400 0 300 400 $r] "
        . "/Function << /FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1.5 >> >> shfill grestore showpage\n";
}
