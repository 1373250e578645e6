/*
 * threads COUNT: that many threads, each asleep in one of five system calls and named for it and its number.
 */
#include "guest.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

enum { STACK = 16 << 10, WAYS = 5 };

static int ends[2];
static pid_t *identities;

static void *wait_in_some_way(void *argument)
{
    static const char *const ways[WAYS] = {"futex", "nanosleep", "poll", "pipe", "epoll"};
    static int word;
    long number = (long)argument;
    char name[16], byte;
    snprintf(name, sizeof name, "%s-%ld", ways[number % WAYS], number);
    name_task(name);
    __atomic_store_n(&identities[number], (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    struct timespec long_time = {1000000, 0};
    struct pollfd wanted = {.fd = ends[0], .events = POLLIN};
    struct epoll_event event;
    switch (number % WAYS) {
    case 0:
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
        break;
    case 1:
        nanosleep(&long_time, NULL);
        break;
    case 2:
        poll(&wanted, 1, -1);
        break;
    case 3:
        if (read(ends[0], &byte, 1) < 0)
            fail("read");
        break;
    default:
        epoll_wait(epoll_create1(0), &event, 1, -1);
    }
    fail("a thread woke");
    return NULL;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 0;
    pthread_attr_t attributes;
    pthread_t thread;

    go_to_background();
    name_task("threads");
    identities = calloc((size_t)count, sizeof *identities);
    if (identities == NULL || pipe(ends) != 0)
        fail("pipe");
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setguardsize(&attributes, 0);
    for (long number = 0; number < count; number++)
        if ((errno = pthread_create(&thread, &attributes, wait_in_some_way, (void *)number)) != 0)
            fail("pthread_create");
    for (long number = 0; number < count; number++) {
        pid_t identity;
        while ((identity = __atomic_load_n(&identities[number], __ATOMIC_SEQ_CST)) == 0)
            usleep(1000);
        await_state(getpid(), identity, 'S');
    }
    settled();
    sleep_for_ever();
}
