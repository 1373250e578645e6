/* A call through a null pointer: the top frame's address lies in no module at all. */
#include "frames.h"

struct operations {
    int (*open)(int);
    int (*close)(int);
};

FRAME static int use(const struct operations *operations, int value)
{
    int result = operations->close(value);
    KEEP(operations);
    return result + 1;
}

int main(void)
{
    static const struct operations empty;
    return use(&empty, 9);
}
