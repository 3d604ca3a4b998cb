/* A program that no library can be preloaded into. */
#include <stdio.h>

int main(void) {
    for (volatile unsigned long i = 0; i < 100000000; ++i) {
    }
    return puts("done") < 0;
}
