# Functions with unusual call frame information, each calling the next; the last one aborts. They change rbx, rbp and
# r12 to r15, and only the information tells what their caller had in them. Expressions are written as bytes, with the
# operations beside them.

        .text

# Gives the registers values that can be recognised, then calls the first function.
        .globl with_known_registers
        .type with_known_registers, @function
with_known_registers:
        .cfi_startproc
        push %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        push %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        push %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        push %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        push %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        push %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        subq $8, %rsp
        .cfi_adjust_cfa_offset 8
        movabsq $0x1111111111111111, %rbx
        movabsq $0x2222222222222222, %rbp
        movabsq $0x3333333333333333, %r12
        movabsq $0x4444444444444444, %r13
        movabsq $0x5555555555555555, %r14
        movabsq $0x6666666666666666, %r15
        call cfa_by_expression
        nop
        addq $8, %rsp
        .cfi_adjust_cfa_offset -8
        pop %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        pop %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        pop %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        pop %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        pop %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        pop %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        ret
        .cfi_endproc
        .size with_known_registers, .-with_known_registers

# The CFA stands in memory, at rsp + 8.
        .globl cfa_by_expression
        .type cfa_by_expression, @function
cfa_by_expression:
        .cfi_startproc
        leaq 8(%rsp), %rax
        subq $24, %rsp
        .cfi_adjust_cfa_offset 24
        movq %rax, 8(%rsp)
        .cfi_escape 0x0f, 0x03, 0x77, 0x08, 0x06                # DW_CFA_def_cfa_expression: breg7 (rsp) 8, deref
        call registers_by_expression
        nop
        .cfi_def_cfa rsp, 32
        addq $24, %rsp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size cfa_by_expression, .-cfa_by_expression

# rbx: its value by an expression. r12: its place by an expression. r13: kept in r14, whose own value is on the stack.
        .globl registers_by_expression
        .type registers_by_expression, @function
registers_by_expression:
        .cfi_startproc
        subq $40, %rsp
        .cfi_adjust_cfa_offset 40
        movq %r12, 16(%rsp)
        .cfi_escape 0x10, 0x0c, 0x03, 0x08, 0x20, 0x1c          # DW_CFA_expression r12: (CFA) const1u 32, minus
        movq %r14, 8(%rsp)
        .cfi_rel_offset r14, 8
        movq %r13, %r14
        .cfi_register r13, r14
        neg %rbx
        .cfi_escape 0x16, 0x03, 0x03, 0x73, 0x00, 0x1f          # DW_CFA_val_expression rbx: breg3 (rbx) 0, neg
        xorl %r12d, %r12d
        xorl %r13d, %r13d
        call state_remembered
        nop
        movq %r14, %r13
        .cfi_restore r13
        movq 8(%rsp), %r14
        .cfi_restore r14
        movq 16(%rsp), %r12
        .cfi_restore r12
        neg %rbx
        .cfi_restore rbx
        addq $40, %rsp
        .cfi_adjust_cfa_offset -40
        ret
        .cfi_endproc
        .size registers_by_expression, .-registers_by_expression

# An early way out in the middle, so that the row before it has to be brought back after it.
        .globl state_remembered
        .type state_remembered, @function
state_remembered:
        .cfi_startproc
        push %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq %rsp, %rbp
        .cfi_def_cfa_register rbp
        push %rbx
        .cfi_offset rbx, -24
        subq $24, %rsp
        testq %rsp, %rsp
        jnz 1f
        .cfi_remember_state
        movq -8(%rbp), %rbx
        .cfi_restore rbx
        leave
        .cfi_restore rbp
        .cfi_def_cfa rsp, 8
        ret
1:
        .cfi_restore_state
        movl $7, %ebx
        movq %rsp, %r12                 # the next function's CFA
        call value_by_offset
        nop
        movq -8(%rbp), %rbx
        .cfi_restore rbx
        leave
        .cfi_restore rbp
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc
        .size state_remembered, .-state_remembered

# r12 was equal to the CFA: a value, not a place. rbx is lost. r15 is said to be unchanged.
        .globl value_by_offset
        .type value_by_offset, @function
value_by_offset:
        .cfi_startproc
        subq $8, %rsp
        .cfi_def_cfa_offset 16
        movl $12, %r12d
        .cfi_val_offset r12, 0
        movl $3, %ebx
        .cfi_undefined rbx
        .cfi_same_value r15
        call arguments_on_stack
        nop
        leaq 16(%rsp), %r12
        .cfi_restore r12
        addq $8, %rsp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size value_by_offset, .-value_by_offset

# Arguments pushed around a call, with DW_CFA_GNU_args_size saying how many bytes.
        .globl arguments_on_stack
        .type arguments_on_stack, @function
arguments_on_stack:
        .cfi_startproc
        pushq $1
        .cfi_adjust_cfa_offset 8
        pushq $2
        .cfi_adjust_cfa_offset 8
        pushq $3
        .cfi_adjust_cfa_offset 8
        .cfi_escape 0x2e, 0x18                                  # DW_CFA_GNU_args_size 24
        call die
        nop
        addq $24, %rsp
        .cfi_adjust_cfa_offset -24
        .cfi_escape 0x2e, 0x00
        ret
        .cfi_endproc
        .size arguments_on_stack, .-arguments_on_stack

        .section .note.GNU-stack, "", @progbits
