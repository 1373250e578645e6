/*
 * Sibling calls: `middle` and `end` are reached by jumps, so no frame of `start` or `middle` is left. Arguments are
 * overwritten after entry and stay known only by what the caller passed.
 */
#include "frames.h"

volatile int sink;

__attribute__((noinline, noclone)) static int bottom(int a, int b)
{
    sink = a + b;
    if (a > 0)
        abort();
    return a;
}

__attribute__((noinline, noclone)) static int end(int a, int b)
{
    int result = bottom(a, b);
    sink = 3;
    return result + 1;
}

__attribute__((noinline, noclone)) static int middle(int a)
{
    sink = a;
    return end(a + 1, 77);
}

__attribute__((noinline, noclone)) static int start(int a)
{
    sink = 1;
    return middle(a * 2);
}

__attribute__((noinline, noclone)) static int unused_argument(int used, int unused, const char *text)
{
    sink = unused;
    int result = start(used);
    sink = result;
    (void)text;
    return result;
}

int main(int argc, char **argv)
{
    int result = unused_argument(argc + 4, 12, argv[0]);
    sink = 2;
    return result;
}
