/* The first process of a small appliance, with a fault that shows long after its cause: a name that is too long ends
 * in the callback that lies behind it. */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static void report(int reading) { printf("appliance: reading %d\n", reading); }

struct sensor {
    char name[16];
    void (*callback)(int);
};

static struct sensor sensor = {"unnamed", report};

static void rename_sensor(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i <= length; i++)
        sensor.name[i] = name[i];
}

static void poll_sensor(int reading) { sensor.callback(reading); }

/* For a debugger that has nothing else of the kernel. */
static void say_where_panic_is(void)
{
    char line[256];
    FILE *symbols;
    mount("proc", "/proc", "proc", 0, NULL);
    symbols = fopen("/proc/kallsyms", "r");
    while (symbols && fgets(line, sizeof line, symbols))
        if (strstr(line, " T panic\n"))
            printf("appliance: %s", line);
}

int main(void)
{
    static const char *names[] = {"inlet", "outlet", "boiler on the 2nd floor"};
    say_where_panic_is();
    for (int reading = 0;; reading++) {
        if (reading % 100 == 91)
            rename_sensor(names[reading / 100 % 3]);
        if (reading % 10 == 0)
            poll_sensor(reading);
        usleep(1000);
    }
}
