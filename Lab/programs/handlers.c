/* A handler interrupted by another handler, both on the ordinary stack. */
#include "frames.h"
#include <signal.h>

static void inner(int number)
{
    KEEP(number);
    abort();
}

FRAME static void raise_inner(void)
{
    raise(SIGUSR2);
    KEEP(0);
}

static void outer(int number)
{
    raise_inner();
    KEEP(number);
}

FRAME static int raise_outer(int value)
{
    raise(SIGUSR1);
    KEEP(value);
    return value;
}

int main(void)
{
    signal(SIGUSR1, outer);
    signal(SIGUSR2, inner);
    return raise_outer(5);
}
