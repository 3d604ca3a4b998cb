# C for a compiler to chew on: as many functions as the argument says, each with a loop, a switch, a structure and calls
# of those before it. Always the same.
use strict;
use warnings;

my $functions = shift;
print "#include <stddef.h>\nstruct record { long a, b; double c; struct record *next; };\n";
for my $i (0 .. $functions - 1) {
    my ($x, $y) = ($i * 7919 % 61 + 3, $i * 104_729 % 97 + 2);
    my $callee = $i == 0 ? '(long)n' : 'f' . ($i * 31 % $i) . '(r, n / 2)';
    print <<"C";
long f$i(struct record *r, size_t n) {
    long sum = $i;
    for (size_t i = 0; i < n; ++i) {
        switch ((sum + i) % 7) {
        case 0: sum += r[i % 8].a * $x; break;
        case 1: r[i % 8].b ^= sum << ($y % 31); break;
        case 2: r[i % 8].c = r[(i + 1) % 8].c * $x.5 + (double)sum; break;
        case 3: if (r[i % 8].next) { sum -= r[i % 8].next->a; } break;
        case 4: sum += (long)(r[i % 8].c / $y.25); break;
        default: sum = sum * $y + $x; break;
        }
        for (int k = 0; k < $x; ++k) { r[k % 8].a += r[(k + 3) % 8].b * k; }
    }
    return n > $x ? sum + $callee : sum;
}
C
}
print "int main(void) { struct record r[8] = {{0}}; return (int)f", $functions - 1, "(r, 100); }\n";
