/*
 * Threads at known depths: "reader" 3 levels down in read, "waiter" 5 levels down in a futex, "sleeper" 2 levels down
 * in nanosleep; the main thread aborts 4 levels down when all of them sleep.
 */
#define _GNU_SOURCE
#include "frames.h"
#include <pthread.h>
#include <time.h>

static int ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile pid_t reader_tid, waiter_tid, sleeper_tid;

FRAME static int block_in_read(int level, const char *why)
{
    char byte = 0;
    int result;

    if (level > 0) {
        result = block_in_read(level - 1, why);
    } else {
        reader_tid = own_tid();
        result = (int)read(ends[0], &byte, 1);
    }
    KEEP(why);
    return result + level;
}

FRAME static int block_in_futex(int level)
{
    int result = 0;

    if (level > 0) {
        result = block_in_futex(level - 1);
    } else {
        pthread_mutex_lock(&mutex);
        waiter_tid = own_tid();
        for (;;)
            pthread_cond_wait(&never, &mutex);
    }
    KEEP(result);
    return result + level;
}

FRAME static int block_in_nanosleep(int level, long seconds)
{
    struct timespec time = {seconds, 0};
    int result;

    if (level > 0) {
        result = block_in_nanosleep(level - 1, seconds);
    } else {
        sleeper_tid = own_tid();
        result = nanosleep(&time, NULL);
    }
    KEEP(&time);
    return result + level;
}

static void *reader(void *argument)
{
    pthread_setname_np(pthread_self(), "reader");
    return (void *)(long)block_in_read(3, argument);
}

static void *waiter(void *argument)
{
    pthread_setname_np(pthread_self(), "waiter");
    return (void *)((long)block_in_futex(5) + (long)argument);
}

static void *sleeper(void *argument)
{
    pthread_setname_np(pthread_self(), "sleeper");
    return (void *)(long)block_in_nanosleep(2, (long)argument);
}

FRAME static int die(int level)
{
    int result = 0;

    if (level > 0)
        result = die(level - 1);
    else
        abort();
    KEEP(result);
    return result + level;
}

int main(void)
{
    pthread_t thread;

    if (pipe(ends) != 0 || pthread_create(&thread, NULL, reader, "nobody writes") ||
        pthread_create(&thread, NULL, waiter, (void *)7) || pthread_create(&thread, NULL, sleeper, (void *)86400))
        return 1;
    wait_until_asleep(&reader_tid);
    wait_until_asleep(&waiter_tid);
    wait_until_asleep(&sleeper_tid);
    return die(4);
}
