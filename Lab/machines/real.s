# A boot sector that stays in real mode: it says so on the serial port, loads known values and spins.
#
#   eax 0x11112222  ebx 0x33334444  ecx 0x55556666  edx 0x77778888
#   esi 0x99990000  edi 0xaaaabbbb  ebp 0xccccdddd  esp 0x00007bf0
#   ds 0x1234  es 0x2345  fs 0x3456  gs 0x4567  ss 0x0000  cs 0x07c0

        .code16
        .globl  _start
_start: ljmp    $0x07c0, $1f - _start       # so that CS is not 0
1:      cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        mov     $text - _start, %si
        mov     $0x3f8, %dx
2:      lodsb
        test    %al, %al
        jz      3f
        out     %al, %dx
        jmp     2b
3:      xor     %ax, %ax
        mov     %ax, %ss
        mov     $0x00007bf0, %esp
        mov     $0x1234, %ax
        mov     %ax, %ds
        mov     $0x2345, %ax
        mov     %ax, %es
        mov     $0x3456, %ax
        mov     %ax, %fs
        mov     $0x4567, %ax
        mov     %ax, %gs
        mov     $0x11112222, %eax
        mov     $0x33334444, %ebx
        mov     $0x55556666, %ecx
        mov     $0x77778888, %edx
        mov     $0x99990000, %esi
        mov     $0xaaaabbbb, %edi
        mov     $0xccccdddd, %ebp
        jmp     .

text:   .asciz  "LAB: the machine is up\n"

        .org    510
        .word   0xaa55
