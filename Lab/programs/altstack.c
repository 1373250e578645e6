/* A fault whose handler runs on an alternate stack and calls two levels down to abort. */
#define _GNU_SOURCE
#include "frames.h"
#include <signal.h>

static char alternate[1 << 16];

FRAME static void in_handler(int depth)
{
    if (depth > 0)
        in_handler(depth - 1);
    else
        abort();
    KEEP(depth);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    in_handler(2);
    KEEP(number);
    KEEP(info);
    KEEP(context);
}

FRAME static int fault(int *place, int value)
{
    *place = value;
    KEEP(place);
    return value;
}

FRAME static int caller_of_fault(int value)
{
    int result = fault((int *)16, value * 2);
    KEEP(result);
    return result + 1;
}

int main(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0)
        return 1;
    return caller_of_fault(21);
}
