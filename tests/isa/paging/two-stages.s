; Both stages (specification, 4.1): Sv39 and Sv48 in each, page sizes of both, nothing where it lies physically; permissions are
; those of both stages; A and D are set in both; entries of the first stage's tables are guest-physical.
;! ram 8M
; Guest-physical memory is at 0x1_0000_0000 (gigabyte 4) and shows RAM from 0x8000_0000 on; the first 2 MiB hold everything of
; the prelude. Guest-physical 0x40000000 to 0x401fffff is the last 2 MiB of RAM, at 0x80600000.
.equ GUEST, 0x100000000
.equ SHIFT, 0x80000000          ; from physical to guest-physical
.macro both first, second
    base gptbr, \first, 3, G_ROOT+SHIFT
    base hptbr, \second, 9, H_ROOT
    TLBFLUSHV
.endm
.macro reads address, value
    put vmr11, \address
    go load
;= VMCAUSE = 0x0c, VMR10 = \value
.endm
.macro writes address, value, where
    put vmr11, \address
    put vmr12, \value
    go store
;= VMCAUSE = 0x0c, mem64[\where] = \value
.endm
main:
    ; The second stage, Sv39: gigabyte 4 by 2 MiB pages, gigabyte 1 by one table of 4 KiB pages of which two exist.
    entry H_ROOT, 4, H_TABLE1, TABLE
    entry H_TABLE1, 0, 0x80000000, RWX
    entry H_TABLE1, 1, 0x80200000, 0x0f
    entry H_TABLE1, 2, 0x80400000, RWX
    entry H_ROOT, 1, H_TABLE2, TABLE
    entry H_TABLE2, 0, H_TABLE3, TABLE
    entry H_TABLE3, 0, 0x80600000, 0x0f
    entry H_TABLE3, 5, 0x80605000, 0x0f
    ; The first stage, Sv39. Its tables' addresses are guest-physical.
    entry G_ROOT, 2, GUEST, RWX                     ; 1 GiB over 2 MiB: the program where it is linked
    entry G_ROOT, 0, G_TABLE1+SHIFT, TABLE
    entry G_TABLE1, 8, 0x40000000, 0x0f             ; 2 MiB over 4 KiB: virtual 0x01000000
    entry G_TABLE1, 9, GUEST+0x200000, 0x0f         ; 2 MiB over 2 MiB: virtual 0x01200000
    entry G_TABLE1, 10, G_TABLE2+SHIFT, TABLE
    entry G_TABLE2, 7, GUEST+0x433000, 0x0f         ; 4 KiB over 2 MiB: virtual 0x01407000
    entry G_TABLE2, 8, 0x40005000, 0x0f             ; 4 KiB over 4 KiB: virtual 0x01408000
    poke 0x80600010, 0x1010
    poke 0x80605018, 0x1018
    poke 0x80312340, 0x1020
    poke 0x80433448, 0x1028
    both SV39, SV39
    reads 0x01000010, 0x1010
    reads 0x01005018, 0x1018
    reads 0x01312340, 0x1020
    reads 0x01407448, 0x1028
    reads 0x01408018, 0x1018
;= mem64[H_TABLE3] = (0x80600000>>2)|0x4f, mem64[H_TABLE3+40] = (0x80605000>>2)|0x4f, mem64[H_TABLE1+8] = (0x80200000>>2)|0x4f
;= mem64[G_TABLE1+64] = (0x40000000>>2)|0x4f, mem64[G_TABLE2+64] = (0x40005000>>2)|0x4f
    writes 0x01000100, 0x2010, 0x80600100
    writes 0x01312348, 0x2018, 0x80312348
    writes 0x01408020, 0x2020, 0x80605020
;= mem64[H_TABLE3] = (0x80600000>>2)|0xcf, mem64[H_TABLE3+40] = (0x80605000>>2)|0xcf, mem64[H_TABLE1+8] = (0x80200000>>2)|0xcf
;= mem64[G_TABLE1+64] = (0x40000000>>2)|0xcf, mem64[G_TABLE1+72] = (GUEST+0x200000>>2)|0xcf, mem64[G_TABLE2+56] = (GUEST+0x433000>>2)|0x4f
    ; The second stage lacks a page inside the first stage's: an exit with both addresses.
    put vmr11, 0x01001008
    go load
;= exit 0x09 at=load read size=8 reg=10 gva=0x01001008 gpa=0x40001008
    ; Code through both, from a small page: jalr zero, 0(ra).
    poke 0x80605100, 0x8067
    put vmr11, 0x01005100
    go call
;= exit 0x0c at=call+4

    ; The same with Sv48 in the first stage, the second, and both.
    entry G_TABLE3, 0, G_ROOT+SHIFT, TABLE
    base gptbr, SV48, 4, G_TABLE3+SHIFT
    reads 0x01000010, 0x1010
    reads 0x01407448, 0x1028
    reads 0x01312340, 0x1020
    entry 0x80150000, 0, H_ROOT, TABLE
    base hptbr, SV48, 10, 0x80150000
    reads 0x01005018, 0x1018
    reads 0x01408018, 0x1018
    reads 0x01407448, 0x1028
    base gptbr, SV39, 3, G_ROOT+SHIFT
    reads 0x01000010, 0x1010
    reads 0x01312348, 0x2018
    ; Above 48 bits of guest-physical address: not mapped. By mode bare in the first stage, as any number can be had.
    base gptbr, 0, 0, 0
    entry 0x80150000, 1, 0x80000000, RWX    ; misaligned for 512 GiB
    la t0, load
    li t1, SHIFT
    add t0, t0, t1
    wrmsr vmpc, t0
    put vmr11, (1<<48)|GUEST
    vmresume
;= exit 0x09 pc=load+SHIFT len=4 inst=mem32[load] read size=8 reg=10 gva=(1<<48)|GUEST gpa=(1<<48)|GUEST
    put vmr11, 0x8000000000
    vmresume
;= exit 0x09 pc=load+SHIFT len=4 inst=mem32[load] read size=8 reg=10 gva=0x8000000000 gpa=0x8000000000
    entry 0x80150000, 2, 0, RWX             ; 512 GiB: guest-physical 0x100_0000_0000 is physical 0
    put vmr11, 0x10000000000+0x80433448
    vmresume
;= VMCAUSE = 0x0c, VMR10 = 0x1028

    ; Permissions: each stage has its say. 4 KiB over 4 KiB at 0x01408000; the first stage is asked first.
.macro perms first, second
    entry G_TABLE2, 8, 0x40005000, \first
    entry H_TABLE3, 5, 0x80605000, \second
    TLBFLUSHV
    put vmr11, 0x01408100
.endm
.macro nested label, words
    go \label
;= exit 0x09 at=\label gva=0x01408100 gpa=0x40005100 size=8 \words
.endm
    both SV39, SV39
    perms 0xcf, 0xc3                        ; second: R
    reads 0x01408100, 0x8067
    nested store, write value=VMR12
    go call
;= exit 0x09 pc=0x01408100 execute size=2 gva=0x01408100 gpa=0x40005100
    perms 0xcf, 0xc7                        ; second: RW
    go store
;= VMCAUSE = 0x0c
    poke 0x80605100, 0x8067
    go call
;= exit 0x09 pc=0x01408100 execute size=2 gva=0x01408100 gpa=0x40005100
    perms 0xcf, 0xc9                        ; second: X
    nested load, read reg=10
    nested store, write value=VMR12
    go call
;= exit 0x0c at=call+4
    perms 0xc3, 0xcf                        ; first: R. The guest's own page faults
    go store
;= trap 15 at=store tval=0x01408100 from=0
    go call
;= trap 12 pc=0x01408100 tval=0x01408100 from=0
    perms 0xc3, 0xc9                        ; both wrong: the first stage's
    go store
;= trap 15 at=store tval=0x01408100 from=0
    perms 0xcf, 0xc5                        ; second: W without R is reserved, as is bit 60
    nested load, read reg=10
    perms 0xcf, 1<<60|0xcf
    nested load, read reg=10
    perms 0xcf, 0xfe                        ; and not valid
    nested load, read reg=10
    ; U and G of the second stage do not matter.
    perms 0xcf, 0xff
    reads 0x01408100, 0x8067
    perms 0xdf, 0xcf
    go load
;= trap 13 at=load tval=0x01408100 from=0
    ; MXR: a load that the first stage allows by X needs X in the second; one that it allows by R needs R.
    put sstatus, 0x86000
    perms 0xc9, 0xc9
    reads 0x01408100, 0x8067
    perms 0xc9, 0xc3
    nested load, read reg=10
    perms 0xcb, 0xc9
    go call                                 ; the TLB knows the page now, as executable
;= exit 0x0c at=call+4
    nested load, read reg=10
    put sstatus, 0x6000

    ; A pointer of the second stage in which A or D is set is reserved; U is ignored.
    perms 0xcf, 0xcf
    entry H_TABLE2, 0, H_TABLE3, TABLE|0x40
    nested load, read reg=10
    entry H_TABLE2, 0, H_TABLE3, TABLE|0x80
    nested load, read reg=10
    entry H_TABLE2, 0, H_TABLE3, TABLE|0x30
    reads 0x01408100, 0x8067
    ; Misaligned: 2 MiB at 0x80601000.
    entry H_TABLE2, 0, 0x80601000, RWX
    TLBFLUSHV
    nested load, read reg=10
    ; A table outside of RAM: an access fault of the guest.
    entry H_TABLE2, 0, 0x40000000, TABLE
    TLBFLUSHV
    go load
;= trap 5 at=load tval=0x01408100 from=0
    ; What both stages map and where nothing is: likewise.
    entry H_TABLE2, 0, H_TABLE3, TABLE
    perms 0xcf, 0xcf
    entry H_TABLE3, 5, 0x40000000, 0xcf
    go load
;= trap 5 at=load tval=0x01408100 from=0
    pass
load:
    ld R10, 0(R11)
    vmexit
store:
    sd R12, 0(R11)
    vmexit
call:
    jalr ra, 0(R11)
    vmexit
