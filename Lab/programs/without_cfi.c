/* Functions with unwind tables above and below two that have none. */
#include "frames.h"

int without_cfi(int value, int (*below)(int));

FRAME static int below(int value)
{
    if (value > 0)
        abort();
    return value;
}

FRAME static int above(int value)
{
    int result = without_cfi(value, below);
    KEEP(result);
    return result + 1;
}

int main(void) { return above(1); }
