/* Compiled without unwind tables: only frame pointers lead through these two functions. */
#include "frames.h"

FRAME static int without_cfi_inner(int value, int (*below)(int))
{
    int result = below(value + 1);
    KEEP(result);
    return result * 2;
}

int without_cfi(int value, int (*below)(int));

FRAME int without_cfi(int value, int (*below)(int))
{
    int result = without_cfi_inner(value + 1, below);
    KEEP(result);
    return result * 3;
}
