/*
 * inhabitants: one process for each thing that a list of tasks or mappings can show, every one at rest.
 *
 * Each is named for what it shows. When all have come to rest, the program that was started ends; the others stay.
 */
#include "guest.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PAGE = 4096, HUGE_PAGE = 2 << 20, SEPARATE_MAPPINGS = 3000, ARGUMENTS = 300 };

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static void *mapped(size_t size, int protection, int flags, int file)
{
    void *place = mmap(NULL, size, protection, flags, file, 0);
    if (place == MAP_FAILED)
        fail("mmap");
    return place;
}

static int made_file(const char *path, size_t size)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ftruncate(file, (off_t)size) != 0)
        fail(path);
    return file;
}

static void stopped(void)
{
    raise(SIGSTOP);
}

static void traced(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        fail("PTRACE_TRACEME");
    raise(SIGSTOP);
}

static void tracer(void)
{
    pid_t child = fork();
    if (child == 0) {
        name_task("traced");
        traced();
        sleep_for_ever();
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        fail("waitpid");
}

static void zombie_keeper(void)
{
    pid_t child = fork();
    if (child == 0) {
        name_task("zombie");
        _exit(7);
    }
    await_state(child, child, 'Z');
}

/* The parent waits, uninterruptibly, until the child has let go of its address space. */
static void vfork_parent(void)
{
    if (vfork() == 0) {
        prctl(PR_SET_NAME, "vfork-child");
        for (;;)
            syscall(SYS_pause);
    }
}

static void pid_namespace(void)
{
    if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS) != 0)
        fail("unshare");
    pid_t first = fork();
    if (first == 0) {
        name_task("namespace-init");
        if (sethostname("inside", 6) != 0)
            fail("sethostname");
        if (fork() == 0)
            name_task("namespace-child");
        sleep_for_ever();
    }
    await_state(first, first, 'S');
}

static void deleted_program(void)
{
    char *const words[] = {"/tmp/deleted-program", "sleep", NULL};
    execv(words[0], words);
    fail(words[0]);
}

static void deleted_file(void)
{
    int file = made_file("/tmp/deleted-file", 3 * PAGE);
    char *shared = mapped(3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
    char *private = mapped(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
    memset(shared, 's', 2 * PAGE);
    private[0] = 'p';
    unlink("/tmp/deleted-file");
    close(file);
}

static void huge_pages(void)
{
    char *space = mapped(3 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *aligned = (char *)(((uintptr_t)space + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    madvise(aligned, 2 * HUGE_PAGE, MADV_HUGEPAGE);
    memset(aligned, 'h', HUGE_PAGE);
    char *reserved = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (reserved != MAP_FAILED)
        memset(reserved, 'H', PAGE);
}

static void long_arguments(void)
{
    static char text[ARGUMENTS][128];
    static char *words[ARGUMENTS + 3] = {"/bin/inhabitants", "sleep"};
    for (int number = 0; number < ARGUMENTS; number++) {
        snprintf(text[number], sizeof text[number], "--argument-%03d=%096d", number, number);
        words[number + 2] = text[number];
    }
    execv(words[0], words);
    fail(words[0]);
}

/* Its arguments are said to be where no page has ever been; the witness doesn't read them, which would make one. */
static void untouched_arguments(void)
{
    char *space = mapped(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (prctl(PR_SET_MM, PR_SET_MM_ARG_START, space + PAGE, 0, 0) != 0
        || prctl(PR_SET_MM, PR_SET_MM_ARG_END, space + PAGE + 64, 0, 0) != 0)
        fail("PR_SET_MM");
}

static void odd_name(void)
{
    name_task("a) R 1 \\\n\033[1m");
}

static void *sleeping_thread(void *name)
{
    name_task(name);
    sleep_for_ever();
    return NULL;
}

/* The first thread has ended, and is a zombie in a group that lives on. */
static void dead_leader(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleeping_thread, "survivor-1") != 0
        || pthread_create(&thread, NULL, sleeping_thread, "survivor-2") != 0)
        fail("pthread_create");
    syscall(SYS_exit, 0);
}

static void real_time(void)
{
    struct sched_param priority = {.sched_priority = 42};
    if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        fail("SCHED_FIFO");
}

static void nice_batch(void)
{
    struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_BATCH, &none) != 0 || setpriority(PRIO_PROCESS, 0, 12) != 0)
        fail("SCHED_BATCH");
}

static void idle_policy(void)
{
    struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0)
        fail("SCHED_IDLE");
}

/* Neighbours differ in what they allow, so the kernel can't merge them: a deep tree of mappings. */
static void many_mappings(void)
{
    char *space = mapped((size_t)SEPARATE_MAPPINGS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (int number = 0; number < SEPARATE_MAPPINGS; number += 2)
        if (mprotect(space + (size_t)number * PAGE, PAGE, PROT_READ) != 0)
            fail("mprotect");
}

static void shared_memory(void)
{
    memset(mapped(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1), 1, PAGE);
    int file = memfd_create("a memory file", 0);
    if (file < 0 || ftruncate(file, 2 * PAGE) != 0)
        fail("memfd_create");
    memset(mapped(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file), 2, 2 * PAGE);
    int segment = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
    char *attached = segment < 0 ? NULL : shmat(segment, NULL, 0);
    if (attached != NULL && attached != (void *)-1)
        attached[0] = 3;
    char *named = mapped(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, PAGE, "a name");
    named[0] = 4;
    if (mlock(named, PAGE) != 0)
        fail("mlock");
}

/* One file with a space and a line feed in its name, one below another mount, both seen from inside a chroot. */
static void chrooted(void)
{
    mkdir("/tmp/root", 0755);
    mkdir("/tmp/root/mounted", 0755);
    if (mount("lab", "/tmp/root/mounted", "tmpfs", 0, "size=64k") != 0)
        fail("mount");
    mapped(PAGE, PROT_READ, MAP_SHARED, made_file("/tmp/outside", PAGE));
    if (chroot("/tmp/root") != 0 || chdir("/") != 0)
        fail("chroot");
    mapped(PAGE, PROT_READ, MAP_SHARED, made_file("/a file\nwith lines", PAGE));
    memset(mapped(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, made_file("/mounted/inside", PAGE)), 'i', PAGE);
    if (setgid(1000) != 0 || setuid(1000) != 0)
        fail("setuid");
}

static void futex_waiter(void)
{
    static int word;
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void poller(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        fail("pipe");
    struct pollfd wanted = {.fd = ends[0], .events = POLLIN};
    poll(&wanted, 1, -1);
}

static void epoll_waiter(void)
{
    struct epoll_event event;
    epoll_wait(epoll_create1(0), &event, 1, -1);
}

static void pipe_reader(void)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0 || read(ends[0], &byte, 1) < 0)
        fail("pipe");
}

static void sleeper(void)
{
    sleep(1000000);
}

static void waiting_parent(void)
{
    if (fork() == 0) {
        name_task("waited-for");
        sleep_for_ever();
    }
    wait(NULL);
}

/* Waits in a module's function. */
static void tun_reader(void)
{
    struct ifreq wanted = {.ifr_name = "lab0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    char packet[2048];
    int tunnel = open("/dev/net/tun", O_RDWR);
    if (tunnel < 0 || ioctl(tunnel, TUNSETIFF, &wanted) != 0)
        fail("tun");
    if (read(tunnel, packet, sizeof packet) < 0)
        fail("read");
}

/* The drive answers once a second; several readers are nearly always waiting for it. */
static void disk_reader(void)
{
    int disk = open("/dev/vda", O_RDONLY | O_DIRECT);
    void *block;
    if (disk < 0 || posix_memalign(&block, PAGE, PAGE) != 0)
        fail("/dev/vda");
    for (off_t place = getpid() % 64 * PAGE;; place = (place + PAGE) % (1 << 20))
        if (pread(disk, block, PAGE, place) != PAGE)
            fail("pread");
}

static const struct {
    const char *name;
    void (*begin)(void);
    char state; /* 0: it comes and goes */
} all[] = {
    {"stopped", stopped, 'T'},
    {"tracer", tracer, 'S'},
    {"zombie-keeper", zombie_keeper, 'S'},
    {"vfork-parent", vfork_parent, 'D'},
    {"pid-namespace", pid_namespace, 'S'},
    {"deleted-program", deleted_program, 'S'},
    {"deleted-file", deleted_file, 'S'},
    {"huge-pages", huge_pages, 'S'},
    {"long-arguments", long_arguments, 'S'},
    {"untouched-args", untouched_arguments, 'S'},
    {"odd-name", odd_name, 'S'},
    {"dead-leader", dead_leader, 'Z'},
    {"real-time", real_time, 'S'},
    {"nice-batch", nice_batch, 'S'},
    {"idle-policy", idle_policy, 'S'},
    {"many-mappings", many_mappings, 'S'},
    {"shared-memory", shared_memory, 'S'},
    {"chrooted", chrooted, 'S'},
    {"futex-waiter", futex_waiter, 'S'},
    {"poller", poller, 'S'},
    {"epoll-waiter", epoll_waiter, 'S'},
    {"pipe-reader", pipe_reader, 'S'},
    {"sleeper", sleeper, 'S'},
    {"waiting-parent", waiting_parent, 'S'},
    {"tun-reader", tun_reader, 'S'},
    {"disk-reader-1", disk_reader, 0},
    {"disk-reader-2", disk_reader, 0},
    {"disk-reader-3", disk_reader, 0},
};
enum { COUNT = sizeof all / sizeof *all };

static void copy_program(const char *to)
{
    char buffer[1 << 16];
    int from = open("/proc/self/exe", O_RDONLY), copy = open(to, O_WRONLY | O_CREAT, 0755);
    ssize_t count;
    while ((count = read(from, buffer, sizeof buffer)) > 0)
        if (write(copy, buffer, (size_t)count) != count)
            fail(to);
    close(from);
    close(copy);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sleep") == 0)
        sleep_for_ever();
    go_to_background();
    mkdir("/tmp", 0755);
    copy_program("/tmp/deleted-program");

    pid_t children[COUNT];
    for (int number = 0; number < COUNT; number++) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child == 0) {
            close(settled_pipe[1]);
            name_task(all[number].name);
            all[number].begin();
            sleep_for_ever();
        }
        children[number] = child;
    }
    for (int number = 0; number < COUNT; number++)
        if (all[number].state != 0)
            await_state(children[number], children[number], all[number].state);
    /* Those that run another program have it by now, or wait for it to be read: there is no other wait in exec. */
    unlink("/tmp/deleted-program");
    settled();
    argv[0][0] = 0;
    sleep_for_ever();
}
