/*
 * busy: one process for each CPU that never rests, each bound to its CPU.
 *
 * | CPU | process       | what it does                                                     |
 * |-----|---------------|------------------------------------------------------------------|
 * | 0   | busy-packets  | sends itself packets: soft interrupts, and the timer's           |
 * | 1   | busy-user     | a loop in user mode, without system calls                         |
 * | 2   | busy-kernel   | reads of /dev/zero that take long                                 |
 * | 3   | busy-faults   | touches new pages and gives them back: page faults                |
 */
#include "guest.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { PAGE = 4096, TOUCHED = 256 };

static void packets(void)
{
    int to = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (to < 0 || ioctl(to, SIOCSIFFLAGS, &loopback) != 0)
        fail("lo");
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(9000), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(to, (struct sockaddr *)&here, sizeof here) != 0 || connect(to, (struct sockaddr *)&here, sizeof here) != 0)
        fail("bind");
    static char packet[1024];
    for (;;) {
        send(to, packet, sizeof packet, MSG_DONTWAIT);
        recv(to, packet, sizeof packet, MSG_DONTWAIT);
    }
}

static volatile unsigned long turns;

static void user(void)
{
    for (;;)
        turns++;
}

static void kernel(void)
{
    enum { SIZE = 4 << 20 };
    int zero = open("/dev/zero", O_RDONLY);
    char *space = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (zero < 0 || space == MAP_FAILED)
        fail("/dev/zero");
    for (;;)
        if (read(zero, space, SIZE) != SIZE)
            fail("read");
}

static void faults(void)
{
    char *space = mmap(NULL, TOUCHED * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED)
        fail("mmap");
    madvise(space, TOUCHED * PAGE, MADV_NOHUGEPAGE); /* PREEMPT_RT has no huge pages to avoid */
    for (;;) {
        for (int page = 0; page < TOUCHED; page++)
            space[page * PAGE] = 1;
        if (madvise(space, TOUCHED * PAGE, MADV_DONTNEED) != 0)
            fail("madvise");
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } all[] = {{"busy-packets", packets}, {"busy-user", user}, {"busy-kernel", kernel}, {"busy-faults", faults}};

    go_to_background();
    name_task("busy");
    pid_t children[sizeof all / sizeof *all];
    for (size_t cpu = 0; cpu < sizeof all / sizeof *all; cpu++) {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(cpu, &only);
        if ((children[cpu] = fork()) == 0) {
            close(settled_pipe[1]);
            name_task(all[cpu].name);
            if (sched_setaffinity(0, sizeof only, &only) != 0)
                fail("sched_setaffinity");
            all[cpu].begin();
        }
    }
    for (size_t cpu = 0; cpu < sizeof all / sizeof *all; cpu++)
        await_state(children[cpu], children[cpu], 'R');
    settled();
    sleep_for_ever();
}
