/* Functions inlined into one another, one of them twice, and one across a line of another file. */
#include "frames.h"
#include "inlines.h"

static inline __attribute__((always_inline)) int third(int value)
{
    stop_if(value > 2);
    return value * 3;
}

static inline __attribute__((always_inline)) int second(int value)
{
    int once = value + 1;
    return third(once) + value;
}

static inline __attribute__((always_inline)) int first(int value)
{
    int result = second(value);
    KEEP(result);
    return result;
}

FRAME static int outer(int value)
{
    int result = first(value - 2);
    result += first(value);
    return result;
}

int main(int argc, char **argv)
{
    (void)argv;
    return outer(argc + 2);
}
