/* The shared library's half: it calls back into the program. */
#include "frames.h"
#include "library.h"

FRAME static int library_inner(int depth, callback call, void *state)
{
    int result = depth == 0 ? call(depth, state) : library_inner(depth - 1, call, state);
    KEEP(result);
    return result + 1;
}

int library_enter(int depth, callback call, void *state)
{
    int result = library_inner(depth, call, state);
    KEEP(result);
    return result;
}

int library_exit_by_table(int value)
{
    KEEP(value);
    abort();
}
