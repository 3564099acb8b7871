; The first stage (specification, 4.1; RISC-V privileged, Sv39 and Sv48): permissions in both rings, SUM and MXR, A and D set by
; hardware, page sizes, what is reserved, what is not canonical. The kernel has gigabyte 2 as one page, the user the same memory
; at gigabyte 4. The page under test is at 0x40000000, three levels down.
;! ram 8M
;! limit 20000
.equ PAGE, 0x40000000
.equ ALIAS, 0x80000000          ; from the kernel's addresses to the user's
.equ LEAF, G_TABLE2             ; where the entry of PAGE is

.macro page flags
    entry LEAF, 0, DATA, \flags
    TLBFLUSHV
    put vmr11, PAGE
    put vmr10, 0
.endm
.macro user label
    la t0, \label
    li t1, ALIAS
    add t0, t0, t1
    wrmsr vmpc, t0
    put vmring, 3
    vmresume
.endm
.macro can_load
    go load
;= exit 0x0c at=load+4, VMR10 = 0x0000000000008067
.endm
.macro cannot_load
    go load
;= trap 13 at=load tval=PAGE from=0
.endm
.macro can_store
    go store
;= exit 0x0c at=store+4
.endm
.macro cannot_store
    go store
;= trap 15 at=store tval=PAGE from=0
.endm
.macro can_fetch                    ; the page holds a jump back: jalr zero, 0(ra)
    go call
;= exit 0x0c at=call+4
.endm
.macro cannot_fetch
    go call
;= trap 12 pc=PAGE tval=PAGE from=0
.endm
; In Ring 3 what follows the access is VMEXIT, an illegal instruction.
.macro user_can label
    user \label
;= trap 2 pc=\label+4+ALIAS tval=0x0400000b from=3
.endm
.macro user_cannot label, cause
    user \label
;= trap \cause pc=\label+ALIAS tval=PAGE from=3
.endm
.macro user_cannot_fetch
    user call
;= trap 12 pc=PAGE tval=PAGE from=3
.endm

main:
    poke DATA, 0x0000000000008067
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 4, 0x80000000, URWX
    base gptbr, SV39, 5, G_ROOT
    put vmr12, 0x8067

    ; Ring 0, kernel pages: R, W, X in each combination that exists. A and D are set.
    page 0xc3                       ; R
    can_load
    cannot_store
    cannot_fetch
    page 0xc7                       ; RW
    can_load
    can_store
    cannot_fetch
    page 0xc9                       ; X
    cannot_load
    cannot_store
    can_fetch
    page 0xcb                       ; RX
    can_load
    cannot_store
    can_fetch
    page 0xcf                       ; RWX
    can_load
    can_store
    can_fetch
    page 0xc5                       ; W without R is reserved
    cannot_load
    cannot_store
    cannot_fetch
    page 0xcd                       ; WX too
    cannot_load
    cannot_store
    cannot_fetch
    page 0xce                       ; not valid
    cannot_load
    cannot_store
    cannot_fetch
    page 0x01                       ; a pointer where no level is left
    cannot_load
    cannot_fetch
    ; They are not for Ring 3.
    page 0xcf
    user_cannot load, 13
    user_cannot store, 15
    user_cannot_fetch

    ; User pages.
    page 0xdf
    user_can load
    user_can store
    user_can call
    page 0xd3
    user_can load
    user_cannot store, 15
    user_cannot_fetch
    page 0xd9
    user_cannot load, 13
    user_can call
    ; ... of which Ring 0 has nothing,
    page 0xdf
    cannot_load
    cannot_store
    cannot_fetch
    ; but with SUM loads and stores, and never fetches. No flush is needed when SUM changes.
    put sstatus, 0x46000
    can_load
    can_store
    cannot_fetch
    put sstatus, 0x6000
    cannot_load
    cannot_store

    ; MXR: loads from pages with X alone; in either ring; no stores. No flush is needed.
    page 0xc9
    cannot_load
    put sstatus, 0x86000
    can_load
    cannot_store
    put sstatus, 0x6000
    cannot_load
    page 0xd9
    put sstatus, 0x86000
    user_can load
    cannot_load                     ; U, and no SUM
    put sstatus, 0xc6000
    can_load
    put sstatus, 0x6000

    ; A and D. A load sets A, a store both, a fetch A; what faults sets nothing.
    page 0x0f
    go load
;= mem64[LEAF] = (DATA>>2)|0x4f
    go store
;= VMCAUSE = 0x0c, mem64[LEAF] = (DATA>>2)|0xcf
    page 0x0f
    can_fetch
;= mem64[LEAF] = (DATA>>2)|0x4f
    page 0x0f
    can_store
;= mem64[LEAF] = (DATA>>2)|0xcf
    page 0x0b
    cannot_store
;= mem64[LEAF] = (DATA>>2)|0x0b
    page 0x1f
    cannot_load
;= mem64[LEAF] = (DATA>>2)|0x1f
    ; Bits 9:8 are software's, and stay.
    page 0x30f
    can_load
;= mem64[LEAF] = (DATA>>2)|0x34f
    ; An LR is a load, an SC and an AMO are stores.
    page 0x0f
    go reserve
;= VMCAUSE = 0x0c, mem64[LEAF] = (DATA>>2)|0x4f
    page 0x0f
    go amo
;= VMCAUSE = 0x0c, mem64[LEAF] = (DATA>>2)|0xcf
    page 0x03
    go reserve
;= VMCAUSE = 0x0c
    go amo
;= trap 15 at=amo tval=PAGE from=0
    go conditional
;= trap 15 at=conditional tval=PAGE from=0

    ; Reserved bits: 63 to 54.
    page 1<<54|0xcf
    cannot_load
    page 1<<63|0xcf
    cannot_fetch
    ; In a pointer A, D and U are reserved too.
.macro bad_pointer flags
    entry G_TABLE1, 0, G_TABLE2, \flags
    page 0xcf
    cannot_load
    cannot_store
    cannot_fetch
.endm
    bad_pointer 0x41
    bad_pointer 0x81
    bad_pointer 0x11
    bad_pointer 1<<60|1
    entry G_TABLE1, 0, G_TABLE2, TABLE|0x300
    page 0xcf
    can_load
    ; A table outside of RAM is an access fault of the access; so is a page with nothing there.
    entry G_TABLE1, 0, 0x40000000, TABLE
    TLBFLUSHV
    go load
;= trap 5 at=load tval=PAGE from=0
    go store
;= trap 7 at=store tval=PAGE from=0
    go call
;= trap 1 pc=PAGE tval=PAGE from=0
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry LEAF, 0, 0x40000000, 0xcf
    TLBFLUSHV
    go load
;= trap 5 at=load tval=PAGE from=0
    go call
;= trap 1 pc=PAGE tval=PAGE from=0

    ; Larger pages: 2 MiB and 1 GiB, not where they lie physically. 0x80600000 + 0x1234 * 8.
    poke 0x806091a0, 0x2222
    entry G_TABLE1, 1, 0x80600000, 0x0f
    TLBFLUSHV
    put vmr11, 0x402091a0
    go load
;= VMCAUSE = 0x0c, VMR10 = 0x2222, mem64[G_TABLE1+8] = (0x80600000>>2)|0x4f
    entry G_ROOT, 3, 0x80000000, 0x0f
    put vmr11, 0xc06091a0
    go load
;= VMCAUSE = 0x0c, VMR10 = 0x2222, mem64[G_ROOT+24] = (0x80000000>>2)|0x4f
    ; Misaligned ones are page faults, and A is not set.
    entry G_TABLE1, 1, 0x80601000, 0x0f
    entry G_ROOT, 3, 0x80200000, 0x0f
    TLBFLUSHV
    go load
;= trap 13 at=load tval=0xc06091a0 from=0
;= mem64[G_ROOT+24] = (0x80200000>>2)|0x0f
    put vmr11, 0x402091a0
    go load
;= trap 13 at=load tval=0x402091a0 from=0

    ; Canonical: bits 63:39 are copies of bit 38.
    poke DATA, 0x0000000000008067
    page 0xcf
    entry G_ROOT, 511, G_TABLE1, TABLE          ; 0xffffffffc0000000
    put vmr11, -0x40000000
    can_load
    put vmr11, 0x7fc0000000                     ; the same bits 38:0
    go load
;= trap 13 at=load tval=0x7fc0000000 from=0
    put vmr11, (1<<63)|PAGE
    go load
;= trap 13 at=load tval=(1<<63)|PAGE from=0
    put vmr11, (1<<39)|PAGE
    go call
;= trap 12 pc=(1<<39)|PAGE tval=(1<<39)|PAGE from=0
    put vmr11, (1<<38)|PAGE
    go store
;= trap 15 at=store tval=(1<<38)|PAGE from=0

    ; Sv48: one level more; the same table below, and pages of 512 GiB.
    entry G_TABLE3, 0, G_ROOT, TABLE
    base gptbr, SV48, 6, G_TABLE3
    page 0xcf
    can_load
    can_fetch
    entry G_TABLE3, 2, 0, 0xcf                  ; 0x10000000000 maps physical 0 on
    put vmr11, 0x10000000000+DATA
    go load
;= VMCAUSE = 0x0c, VMR10 = 0x8067
    entry G_TABLE3, 3, 0x40000000, 0xcf         ; misaligned
    put vmr11, 0x18000000000+DATA
    go load
;= trap 13 at=load tval=0x18000000000+DATA from=0
    entry G_TABLE3, 511, G_ROOT, TABLE
    put vmr11, 0xffffff8000000000+PAGE
    can_load
    put vmr11, 0x0000ff8000000000+PAGE
    go load
;= trap 13 at=load tval=0x0000ff8000000000+PAGE from=0
    put vmr11, (1<<47)|PAGE
    go load
;= trap 13 at=load tval=(1<<47)|PAGE from=0
    put vmr11, (1<<39)|PAGE                     ; canonical here, and not mapped
    go load
;= trap 13 at=load tval=(1<<39)|PAGE from=0

    ; Mode bare: nothing is checked, a page of the TLB does not linger, also not a global one.
    base gptbr, SV39, 5, G_ROOT
    page 0xef
    can_load
    put gptbr, 0
    go load
;= trap 5 at=load tval=PAGE from=0
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
reserve:
    lr.d R10, (R11)
    vmexit
amo:
    amoor.d R10, zero, (R11)
    vmexit
conditional:
    sc.d R10, zero, (R11)
    vmexit
