/* A plugin for QEMU that notes for each word of a table which instruction stored to it last.
 *
 * The table is a file that is shared with the reader: numbers of eight bytes, of this machine's byte order.
 *
 *     instructions begun so far
 *     count of the words
 *     for each word, in order of physical addresses, which are multiples of 8:
 *         physical address | virtual address
 *         of the last store through this virtual address: PC | instructions begun by then | count of such stores
 *         the same of the last store through another one
 *
 * The declarations are those of QEMU's plugin interface, version 1 (QEMU docs/devel/tcg-plugins.rst), as far as they
 * are needed here; Debian has no package with the header.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
typedef uint32_t access_t;

enum { NO_REGISTERS = 0, STORES = 2, ADD = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
unsigned qemu_plugin_mem_size_shift(access_t);
bool qemu_plugin_mem_is_store(access_t);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(access_t, uint64_t);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
void qemu_plugin_register_vcpu_mem_cb(
    struct qemu_plugin_insn *, void (*)(unsigned, access_t, uint64_t, void *), int, int, void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

struct store {
    uint64_t counter, begun, count;
};

struct word {
    uint64_t physical, virtual;
    struct store same, other;
};

static struct {
    uint64_t begun, count;
    struct word words[];
} *table;

/* Which words of a page may be in the table: most stores end here. */
static bool filter[512];

static size_t slot(uint64_t address) { return address / 8 % 512; }

static void note(uint64_t physical, uint64_t virtual, uint64_t counter)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->words[middle].physical < physical)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < table->count && table->words[low].physical == physical; low++) {
        struct word *word = &table->words[low];
        struct store *store = word->virtual == virtual ? &word->same : &word->other;
        store->counter = counter;
        store->begun = table->begun;
        store->count++;
    }
}

static void stored(unsigned cpu, access_t access, uint64_t address, void *counter)
{
    (void)cpu;
    /* QEMU 7.2 calls for loads, too, whatever was asked for. */
    if (!qemu_plugin_mem_is_store(access))
        return;
    uint64_t end = address + (1u << qemu_plugin_mem_size_shift(access));
    for (uint64_t word = address & ~7ull; word < end; word += 8) {
        if (!filter[slot(word)])
            continue;
        struct qemu_plugin_hwaddr *place = qemu_plugin_get_hwaddr(access, word < address ? address : word);
        if (place && !qemu_plugin_hwaddr_is_io(place))
            note(qemu_plugin_hwaddr_phys_addr(place) & ~7ull, word, (uint64_t)(uintptr_t)counter);
    }
}

static void translated(uint64_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        void *counter = (void *)(uintptr_t)qemu_plugin_insn_vaddr(instruction);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD, &table->begun, 1);
        qemu_plugin_register_vcpu_mem_cb(instruction, stored, NO_REGISTERS, STORES, counter);
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(
    uint64_t id, const void *machine, int count, char **arguments)
{
    (void)machine;
    static const char prefix[] = "table=";
    struct stat facts;
    if (count != 1 || strncmp(arguments[0], prefix, sizeof prefix - 1))
        return 1;
    int file = open(arguments[0] + sizeof prefix - 1, O_RDWR);
    if (file < 0 || fstat(file, &facts))
        return 1;
    table = mmap(NULL, facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (table == MAP_FAILED || (uint64_t)facts.st_size != 16 + table->count * sizeof(struct word))
        return 1;
    for (size_t i = 0; i < table->count; i++)
        filter[slot(table->words[i].physical)] = true;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
