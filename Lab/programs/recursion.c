/* 1000 levels of one function, and two functions that call each other below that. */
#include "frames.h"

FRAME static int odd(int n);

FRAME static int even(int n)
{
    int result = n == 0 ? (abort(), 0) : odd(n - 1);
    KEEP(result);
    return result + 2;
}

FRAME static int odd(int n)
{
    int result = even(n - 1);
    KEEP(result);
    return result + 3;
}

FRAME static int down(int level, unsigned long sum)
{
    int result = level == 0 ? even(10) : down(level - 1, sum + (unsigned long)level);
    KEEP(sum);
    return result + 1;
}

int main(void) { return down(1000, 0); }
