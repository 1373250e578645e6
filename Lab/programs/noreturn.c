/*
 * Calls that never return and end their function: the return address is the first byte of whatever follows. After
 * `gives_up` comes `follows`, whose frame looks different.
 */
#include "frames.h"

__attribute__((noipa, noreturn)) static void last_call(int code)
{
    KEEP(code);
    abort();
}

__attribute__((noipa, noreturn)) static void gives_up(int code) { last_call(code + 1); }

FRAME static int follows(int a, int b)
{
    char room[300];
    KEEP(room);
    return a + b;
}

FRAME static int caller(int code)
{
    if (code > 0)
        gives_up(code);
    return follows(code, 1);
}

int main(int argc, char **argv)
{
    (void)argv;
    return caller(argc + 40);
}
