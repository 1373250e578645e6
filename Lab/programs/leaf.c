/* A leaf function without a frame of its own faults. */
#include "frames.h"

FRAME static int leaf(const int *place, int index) { return place[index]; }

FRAME static int middle(const int *place)
{
    int value = leaf(place, 3);
    KEEP(value);
    return value + 1;
}

int main(void) { return middle((const int *)0x1000); }
