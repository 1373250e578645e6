/* A thread with a small stack that overflows: the fault is a push or a call onto the guard page. */
#include "frames.h"
#include <pthread.h>

FRAME static unsigned long overflow(unsigned long depth)
{
    volatile char room[256];

    room[depth % sizeof room] = (char)depth;
    unsigned long result = overflow(depth + 1);
    return result + (unsigned long)room[depth % sizeof room];
}

static void *run(void *unused)
{
    (void)unused;
    return (void *)overflow(0);
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    if (pthread_create(&thread, &attributes, run, NULL) != 0)
        return 1;
    return pthread_join(thread, NULL);
}
