/* Occupies one CPU in user mode, with known values in every register that a program can keep: whoever finds this
   process on a vCPU can tell whether its registers were read rightly.

   register   value                  register   value
   rax        0x1111111111111111     r8 ... r15 0x8888888888888808 ... 0x888888888888880f
   rbx        0x2222222222222222     xmm0       0x0f0e0d0c0b0a09080706050403020100
   rcx        0x3333333333333333     xmm15      0xf0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0
   rdx        0x4444444444444444     st0        pi
   rsi        0x5555555555555555
   rdi        0x6666666666666666 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned char counting[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const unsigned long long pattern[2] = {0xf0f0f0f0f0f0f0f0, 0xf0f0f0f0f0f0f0f0};

int main(int argc, char **argv) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) {
    puts("LAB: FAILED: spin has no such CPU");
    return 1;
  }
  puts("LAB: a CPU spins");
  fflush(stdout);
  __asm__ volatile("movdqu %0, %%xmm0\n\t"
                   "movdqu %1, %%xmm15\n\t"
                   "fldpi\n\t"
                   "movabs $0x1111111111111111, %%rax\n\t"
                   "movabs $0x2222222222222222, %%rbx\n\t"
                   "movabs $0x3333333333333333, %%rcx\n\t"
                   "movabs $0x4444444444444444, %%rdx\n\t"
                   "movabs $0x5555555555555555, %%rsi\n\t"
                   "movabs $0x6666666666666666, %%rdi\n\t"
                   "movabs $0x8888888888888808, %%r8\n\t"
                   "movabs $0x8888888888888809, %%r9\n\t"
                   "movabs $0x888888888888880a, %%r10\n\t"
                   "movabs $0x888888888888880b, %%r11\n\t"
                   "movabs $0x888888888888880c, %%r12\n\t"
                   "movabs $0x888888888888880d, %%r13\n\t"
                   "movabs $0x888888888888880e, %%r14\n\t"
                   "movabs $0x888888888888880f, %%r15\n\t"
                   "jmp ."
                   :
                   : "m"(counting), "m"(pattern)
                   : "memory");
  return 0;
}
