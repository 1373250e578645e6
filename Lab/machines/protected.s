# A kernel for a multiboot loader, which starts it in 32-bit protected mode without paging (Multiboot Specification
# 0.6.96, 3.2): it writes each address that is a multiple of 16 MiB at that address, as far as RAM goes below 4 GiB,
# says on the serial port that it is up, loads known values and spins.
#
#   eax 0x11112222  ebx 0x33334444  ecx 0x55556666  edx 0x77778888
#   esi 0x9999aaaa  edi 0xbbbbcccc  ebp 0xddddeeee  esp 0x00109ff0

        .set    MAGIC, 0x1badb002
        .set    FLAGS, 0x00010000           # the addresses below are valid
        .set    BASE,  0x00100000

        .code32
        .text
        .globl  _start
header: .long   MAGIC
        .long   FLAGS
        .long   -(MAGIC + FLAGS)
        .long   BASE                        # header_addr
        .long   BASE                        # load_addr
        .long   0                           # load_end_addr: all of the file
        .long   0                           # bss_end_addr
        .long   BASE + _start - header      # entry_addr

_start: cli
        cld
        mov     8(%ebx), %ecx               # mem_upper of the boot information: KiB above 1 MiB (3.3)
        shr     $14, %ecx                   # to units of 16 MiB
        mov     $0x01000000, %edi
        jecxz   4f
3:      mov     %edi, (%edi)
        add     $0x01000000, %edi
        loop    3b
4:
        mov     $BASE + text - header, %esi
        mov     $0x3f8, %edx
1:      lodsb
        test    %al, %al
        jz      2f
        out     %al, %dx
        jmp     1b
2:      mov     $0x00109ff0, %esp
        mov     $0x11112222, %eax
        mov     $0x33334444, %ebx
        mov     $0x55556666, %ecx
        mov     $0x77778888, %edx
        mov     $0x9999aaaa, %esi
        mov     $0xbbbbcccc, %edi
        mov     $0xddddeeee, %ebp
        jmp     .

text:   .asciz  "LAB: the machine is up\n"
