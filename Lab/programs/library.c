/* Program -> library -> program -> library -> abort, with the library's functions reached through the PLT. */
#include "frames.h"
#include "library.h"

FRAME static int called_back(int value, void *state)
{
    int result = library_exit_by_table(value + *(int *)state);
    KEEP(result);
    return result;
}

int main(void)
{
    int state = 11;
    int result = library_enter(2, called_back, &state);
    KEEP(state);
    return result;
}
