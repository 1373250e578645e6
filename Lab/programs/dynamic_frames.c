/* Frames whose size is known only at run time, and one aligned to 64 bytes: the CFA hangs on rbp, or on memory. */
#include "frames.h"
#include <alloca.h>

FRAME static int aligned(int value)
{
    _Alignas(64) volatile char block[128];

    block[value] = 1;
    KEEP(block);
    if (value == 3)
        abort();
    return block[value];
}

FRAME static int variable_length(int length)
{
    volatile int numbers[length];

    numbers[length - 1] = length;
    int result = aligned(3) + numbers[length - 1];
    KEEP(numbers);
    return result;
}

FRAME static int with_alloca(int size)
{
    char *room = alloca((size_t)size);

    memset(room, 1, (size_t)size);
    int result = variable_length(size / 8);
    KEEP(room);
    return result + room[0];
}

int main(void) { return with_alloca(1000); }
