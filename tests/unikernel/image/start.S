/* Entry of the image by the PVH protocol: 32-bit protected mode, no paging, %ebx points to struct hvm_start_info
 * (https://xenbits.xen.org/docs/unstable/misc/pvh.html). Goes to 64-bit mode with the first 4 GiB mapped one to one, with
 * SSE and, where the processor has it, AVX; then calls image_start(start_info).
 */
	.section .note.pvh, "a", @note
	.long 4, 8, 18			/* name, descriptor, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad pvh_entry

	.section .text.entry, "ax"
	.code32
	.globl pvh_entry
pvh_entry:
	cli
	mov $stack_top, %esp
	mov %ebx, %ebp

	/* Four page directories of 512 pages of 2 MiB: present, writable, large. */
	mov $directories, %edi
	mov $0x83, %eax
	mov $2048, %ecx
1:	mov %eax, (%edi)
	movl $0, 4(%edi)
	add $0x200000, %eax
	add $8, %edi
	loop 1b
	mov $directories + 3, %eax
	mov $pointers, %edi
	mov $4, %ecx
2:	mov %eax, (%edi)
	add $0x1000, %eax
	add $8, %edi
	loop 2b
	movl $pointers + 3, top

	mov %cr4, %eax
	or $0x620, %eax			/* PAE, OSFXSR, OSXMMEXCPT */
	mov %eax, %cr4
	mov $top, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx		/* EFER */
	rdmsr
	or $0x100, %eax			/* LME */
	wrmsr
	mov %cr0, %eax
	and $~4, %eax			/* EM */
	or $0x80000003, %eax		/* PG, MP, PE */
	mov %eax, %cr0
	lgdt descriptor
	ljmp $8, $long_mode

	.code64
long_mode:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $1, %eax
	cpuid
	mov $0x14000000, %eax		/* XSAVE and AVX */
	and %eax, %ecx
	cmp %eax, %ecx
	jne 3f
	mov %cr4, %rax
	or $0x40000, %rax		/* OSXSAVE */
	mov %rax, %cr4
	xor %ecx, %ecx
	xor %edx, %edx
	mov $7, %eax			/* x87, SSE, AVX */
	xsetbv
3:	mov %ebp, %edi
	mov $stack_top, %rsp
	xor %ebp, %ebp
	call image_start
4:	hlt
	jmp 4b

	.section .rodata
	.balign 8
table:	.quad 0
	.quad 0x00af9a000000ffff	/* code, 64 bits */
	.quad 0x00cf92000000ffff	/* data */
descriptor:
	.word descriptor - table - 1
	.quad table

	.section .bss
	.balign 4096
top:	.skip 4096
pointers:
	.skip 4096
directories:
	.skip 4 * 4096
	.skip 256 << 10
stack_top:

	.section .note.GNU-stack, "", @progbits
