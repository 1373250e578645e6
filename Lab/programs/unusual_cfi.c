/* Enters the functions of unusual_cfi.s and aborts below them. */
#include "frames.h"

void with_known_registers(void);
void die(void);

FRAME void die(void)
{
    abort();
}

int main(void)
{
    with_known_registers();
    return 0;
}
