/* Calls that go through the procedure linkage table for the first time, so that the dynamic linker looks them up. */
#include "frames.h"
#include <time.h>

FRAME static int calls_through_plt(const char *text)
{
    int result = puts(text);
    KEEP(result);
    return result + 1;
}

FRAME static long reads_clock(int rounds)
{
    struct timespec now = {0, 0};
    long sum = 0;

    for (int i = 0; i < rounds; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        sum += now.tv_nsec;
    }
    KEEP(sum);
    return sum;
}

FRAME static int pushes(int a, int b)
{
    int result = calls_through_plt("first call");
    KEEP(a + b);
    return result + a + b;
}

int main(void)
{
    int result = pushes(3, 4);
    long clock = reads_clock(1000);
    KEEP(clock);
    return result;
}
