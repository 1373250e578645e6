/*
 * A fault in the very first instruction of a function, right after another function's end. Going up from the handler,
 * the interrupted address is exact: an unwinder that takes one off, as it must for a return address, finds the function
 * before it.
 */
#include "frames.h"
#include <signal.h>

__asm__(".text\n"
        ".globl neighbour\n"
        ".type neighbour, @function\n"
        "neighbour:\n"
        "\t.cfi_startproc\n"
        "\tpush %rbx\n"
        "\t.cfi_def_cfa_offset 16\n"
        "\t.cfi_offset 3, -16\n"
        "\tcall abort@plt\n"
        "\t.cfi_endproc\n"
        ".size neighbour, .-neighbour\n"
        ".globl fault_at_once\n"
        ".type fault_at_once, @function\n"
        "fault_at_once:\n"
        "\t.cfi_startproc\n"
        "\tmovl $1, (%rdi)\n"
        "\tret\n"
        "\t.cfi_endproc\n"
        ".size fault_at_once, .-fault_at_once\n");

void fault_at_once(int *place);
void neighbour(void);

static void on_fault(int number)
{
    KEEP(number);
    abort();
}

FRAME static int caller(int *place)
{
    fault_at_once(place);
    KEEP(place);
    return *place;
}

int main(void)
{
    signal(SIGSEGV, on_fault);
    return caller(NULL);
}
