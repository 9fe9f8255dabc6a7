.code16
.globl _start
_start:
  cli
  xorw %ax,%ax
  movw %ax,%ds
  movw %ax,%es
  movw %ax,%ss
  movw $0x7c00,%sp
  cld
  movl $0x1000,%edi
  movl %edi,%cr3
  xorl %eax,%eax
  movl $0x1000,%ecx
  rep stosl %es:(%edi)        /* 0x1000-0x4fff: page tables and interrupt table */
  movl $0x2003,(0x1000)
  movl $0x3003,(0x2000)
  movl $0x0083,(0x3000)       /* one 2 MiB page */
  movw $handler,(0x4060)      /* vector 6, #UD */
  movl $0x8e000008,(0x4062)
  movw $0,(0x4066)
  movl %cr4,%eax
  orl $0x20,%eax
  movl %eax,%cr4
  movl $0xc0000080,%ecx
  rdmsr
  orl $0x100,%eax
  wrmsr
  movl %cr0,%eax
  orl $0x80000001,%eax
  movl %eax,%cr0
  lgdtl gdt_pointer
  ljmpl $0x08,$long
.code64
long:
  xorl %eax,%eax
  movl %eax,%ss
  movl $0x7000,%esp
  lidt idt_pointer
  ud2
handler:
  swapgs
  movb $0x10,%al
  outb %al,$0xf4
1: hlt
  jmp 1b
.balign 8
gdt: .quad 0
  .quad 0x00209a0000000000
gdt_pointer: .word 15
  .long gdt
idt_pointer: .word 0x0fff
  .quad 0x4000
.org 510
.word 0xaa55
