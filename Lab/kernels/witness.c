/*
 * witness stop|crash|sleep: reads all that /proc tells into memory of its own, says where that is, and then has the
 * machine stopped where it stands, crashes its kernel, or sleeps.
 *
 * What it read stays in the guest's memory, so nothing has to be written, and nothing moves, between the reading and
 * the stop: the dump holds the truth about itself. It is found from a physical address that goes out at QEMU's debug
 * console (port 0xe9), which costs the kernel nothing:
 *
 *     root page               list pages                    pages of text
 *     u64 magic               u64 physical address ──────▶  records, one after another:
 *     u64 bytes of text       u64 …                           path NUL, length in decimal NUL, that many bytes
 *     u64 physical address ─▶ (512 in each)
 *     u64 …  (of list pages)
 */
#include "guest.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, ROOM = 96 << 20, LIST = PAGE / 8, DEBUG_CONSOLE = 0xe9, PVPANIC = 0x505 };
enum { SYSLOG_ACTION_READ_ALL = 3, MANY_LINES = 500 };
#define MAGIC 0x5452555448564152u

static char *text;
static size_t used;

static void need(size_t size)
{
    if (size > ROOM - used) {
        errno = ENOSPC;
        fail("the witness");
    }
}

static void add(const char *path, const char *content, size_t size)
{
    need(strlen(path) + size + 32);
    used += (size_t)sprintf(text + used, "%s", path) + 1;
    used += (size_t)sprintf(text + used, "%zu", size) + 1;
    memmove(text + used, content, size);
    used += size;
}

/* Adds what the file holds, if it can be read: into its final place, after a length that is written last. */
static size_t add_file(const char *path)
{
    int file = open(path, O_RDONLY | O_NONBLOCK);
    if (file < 0)
        return 0;
    size_t before = used;
    need(strlen(path) + 64);
    used += (size_t)sprintf(text + used, "%s", path) + 1;
    char *length = text + used;
    used += 12;
    size_t began = used;
    for (;;) {
        need(1 << 16);
        ssize_t count = read(file, text + used, 1 << 16);
        if (count < 0 && errno == EPIPE)
            continue; /* of /dev/kmsg: records were overwritten meanwhile */
        if (count <= 0) {
            if (count < 0 && errno != EAGAIN) {
                used = before;
                close(file);
                return 0;
            }
            break;
        }
        used += (size_t)count;
    }
    close(file);
    sprintf(length, "%011zu", used - began);
    return used - began;
}

static void add_link(const char *path)
{
    char target[PAGE];
    ssize_t count = readlink(path, target, sizeof target);
    if (count >= 0)
        add(path, target, (size_t)count);
}

static void add_all(const char *directory, const char *const *names)
{
    char path[512];
    for (; *names != NULL; names++) {
        snprintf(path, sizeof path, "%s/%s", directory, *names);
        add_file(path);
    }
}

/* Calls `visit` for each entry that is a number. */
static void for_each_number(const char *directory, void (*visit)(const char *path))
{
    char path[512];
    DIR *open_directory = opendir(directory);
    if (open_directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(open_directory)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        visit(path);
    }
    closedir(open_directory);
}

static void add_thread(const char *path)
{
    static const char *const names[] = {"stat", "status", "comm", "wchan", "stack", "syscall", "schedstat", NULL};
    add_all(path, names);
}

static int is_named(const char *process, const char *name)
{
    char path[512], found[64] = "";
    snprintf(path, sizeof path, "%s/comm", process);
    int file = open(path, O_RDONLY);
    ssize_t count = file < 0 ? 0 : read(file, found, sizeof found - 1);
    close(file);
    return count > 0 && strncmp(found, name, strlen(name)) == 0;
}

static void add_process(const char *path)
{
    static const char *const names[] = {"stat", "status", "comm", "statm", "auxv", "mountinfo", NULL};
    static const char *const links[] = {"exe", "cwd", "root", "ns/pid", "ns/mnt", NULL};
    char below[512];

    add_all(path, names);
    /* Reading these arguments would make the page that is not to be there. */
    if (!is_named(path, "untouched-args")) {
        snprintf(below, sizeof below, "%s/cmdline", path);
        add_file(below);
        snprintf(below, sizeof below, "%s/environ", path);
        add_file(below);
    }
    for (const char *const *link = links; *link != NULL; link++) {
        snprintf(below, sizeof below, "%s/%s", path, *link);
        add_link(below);
    }
    snprintf(below, sizeof below, "%s/maps", path);
    char *maps = text + used;
    size_t size = add_file(below), lines = 0;
    for (char *end = maps + size; maps < end; maps++)
        lines += *maps == '\n';
    if (size > 0 && lines < MANY_LINES) {
        snprintf(below, sizeof below, "%s/smaps", path);
        add_file(below);
    }
    snprintf(below, sizeof below, "%s/task", path);
    for_each_number(below, add_thread);
}

/* A second look, to tell what had come to rest from what changes all the time. */
static void add_thread_again(const char *path)
{
    char from[512], to[528];
    snprintf(from, sizeof from, "%s/stat", path);
    snprintf(to, sizeof to, "again:%s", from);
    size_t before = used;
    size_t size = add_file(from);
    if (size == 0)
        return;
    static char copy[4096];
    if (size > sizeof copy)
        size = sizeof copy;
    memcpy(copy, text + used - size, size);
    used = before;
    add(to, copy, size);
}

static void add_process_again(const char *path)
{
    char below[512];
    snprintf(below, sizeof below, "%s/task", path);
    for_each_number(below, add_thread_again);
}

static void add_modules(void)
{
    static const char *const names[] = {
        "coresize", "initsize", "refcnt", "srcversion", "taint", "initstate", "sections/.text", "sections/.data",
        "sections/.init.text", "notes/.note.gnu.build-id", NULL};
    char path[512];
    DIR *modules = opendir("/sys/module");
    if (modules == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(modules)) != NULL;) {
        snprintf(path, sizeof path, "/sys/module/%s/initstate", entry->d_name);
        if (entry->d_name[0] == '.' || access(path, R_OK) != 0)
            continue; /* built in */
        snprintf(path, sizeof path, "/sys/module/%s", entry->d_name);
        add_all(path, names);
    }
    closedir(modules);
}

static void add_clocks(void)
{
    static const struct {
        const char *name;
        clockid_t clock;
    } clocks[] = {{"clock:realtime", CLOCK_REALTIME}, {"clock:monotonic", CLOCK_MONOTONIC}, {"clock:boottime", CLOCK_BOOTTIME}};
    for (size_t which = 0; which < sizeof clocks / sizeof *clocks; which++) {
        struct timespec now;
        char value[64];
        clock_gettime(clocks[which].clock, &now);
        int size = sprintf(value, "%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        add(clocks[which].name, value, (size_t)size);
    }
}

static void add_log(void)
{
    int size = klogctl(10, NULL, 0); /* SYSLOG_ACTION_SIZE_BUFFER */
    char *copy = size > 0 ? malloc((size_t)size) : NULL;
    if (copy == NULL)
        fail("klogctl");
    int count = klogctl(SYSLOG_ACTION_READ_ALL, copy, size);
    if (count < 0)
        fail("klogctl");
    add("dmesg -r", copy, (size_t)count);
    free(copy);
    add_file("/dev/kmsg");
}

static uint64_t physical(int pagemap, const void *place)
{
    uint64_t entry;
    if (pread(pagemap, &entry, 8, (off_t)((uintptr_t)place / PAGE * 8)) != 8 || (entry >> 63) == 0)
        fail("pagemap");
    return (entry & ((UINT64_C(1) << 55) - 1)) * PAGE; /* Documentation/admin-guide/mm/pagemap.rst */
}

static void *locked_pages(size_t size)
{
    void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
    if (place == MAP_FAILED)
        fail("mmap");
    return place;
}

/* Writes down where the pages are; gives the root page's physical address. */
static uint64_t listed(void)
{
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    size_t pages = (used + PAGE - 1) / PAGE, lists = (pages + LIST - 1) / LIST;
    uint64_t *list = locked_pages(lists * PAGE), *root = locked_pages(PAGE);
    if (pagemap < 0 || mlock(text, pages * PAGE) != 0)
        fail("mlock");
    for (size_t page = 0; page < pages; page++)
        list[page] = physical(pagemap, text + page * PAGE);
    root[0] = MAGIC;
    root[1] = used;
    for (size_t number = 0; number < lists; number++)
        root[2 + number] = physical(pagemap, list + number * LIST);
    uint64_t place = physical(pagemap, root);
    close(pagemap);
    return place;
}

int main(int argc, char **argv)
{
    static const char *const whole[] = {
        "version", "cmdline", "kallsyms", "iomem", "modules", "cpuinfo", "filesystems", "sys/kernel/osrelease",
        "sys/kernel/hostname", "sys/kernel/random/boot_id", "sys/kernel/pid_max", NULL};
    static const char *const changing[] = {
        "uptime", "loadavg", "meminfo", "vmstat", "zoneinfo", "stat", "interrupts", "softirqs", "slabinfo", "buddyinfo",
        "sys/kernel/tainted", NULL};
    const char *then = argc > 1 ? argv[1] : "";

    name_task("witness");
    int no_huge_pages = prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    (void)no_huge_pages;
    text = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (text == MAP_FAILED || ioperm(DEBUG_CONSOLE, 1, 1) != 0 || ioperm(PVPANIC, 1, 1) != 0)
        fail("the witness");

    add_all("/proc", whole);
    add_file("/sys/kernel/vmcoreinfo");
    add_file("/sys/devices/system/cpu/possible");
    add_file("/sys/devices/system/cpu/online");
    add_modules();
    for_each_number("/proc", add_process);
    for_each_number("/proc", add_process_again);
    add_all("/proc", changing);
    add_clocks();
    add_log();

    char line[64];
    sprintf(line, "LAB: truth at %llx\n", (unsigned long long)listed());
    for (const char *byte = line; *byte != 0; byte++)
        outb((unsigned char)*byte, DEBUG_CONSOLE);

    if (strcmp(then, "stop") == 0) {
        outb(1, PVPANIC); /* QEMU stops the machine before the next instruction */
        fail("the machine went on");
    }
    if (strcmp(then, "crash") == 0) {
        int trigger = open("/proc/sysrq-trigger", O_WRONLY);
        if (trigger < 0 || write(trigger, "c", 1) != 1)
            fail("sysrq");
    }
    printf("LAB: the witness is done\n");
    fflush(stdout);
    sleep_for_ever();
}
