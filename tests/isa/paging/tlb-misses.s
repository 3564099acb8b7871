; VMCOUNT_TLBMISS for small known patterns (specification, 4.2): the first level has 256 entries each for fetches, loads and
; stores, direct-mapped; the second 1,024 entries, 8-way (128 sets by page number). A miss in both levels walks and counts;
; so does an access that the entry found does not allow, and a store that finds D clear.
;! ram 16M
;! limit 300000
.equ PAGES, 0x40000000
.macro misses label, count
;= mark
    go \label
;= VMCAUSE = 0x0c, VMCOUNT_TLBMISS += \count
.endm
.set index, 0
main:
    ; Nothing translates: nothing misses.
    misses touch, 0
    ; 4 KiB pages from PAGES on; page n is 0x80800000 + n * 4096. The code is in a page of a gigabyte.
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE1, 1, G_TABLE3, TABLE
    entry G_TABLE1, 2, 0x80134000, TABLE
    li R5, G_TABLE2
    li R6, (0x80800000>>2)|0x4f     ; A, not D
    li R7, 1536
1:  sd R6, (R5)
    addi R5, R5, 8
    addi R6, R6, 0x400
    addi R7, R7, -1
    bnez R7, 1b
    base gptbr, SV39, 1, G_ROOT

    put vmr11, PAGES
    misses touch, 2                 ; the code's page, and the load's
    misses touch, 0                 ; a world switch drops nothing
    put vmr11, PAGES+0xff8
    misses touch, 0                 ; the same page
    put vmr11, PAGES+0x1000
    misses touch, 1
    misses write, 1                 ; D was clear: walked again
    misses write, 0
    ; Over the end of a page: one for each page that is not there yet.
    put vmr11, PAGES+0x1ffc
    misses touch, 1
    put vmr11, PAGES+0x4ffc
    misses touch, 2
    ; Another ASID: the code's page and the data's are its own. Back: both are still there.
    base gptbr, SV39, 2, G_ROOT
    put vmr11, PAGES
    misses touch, 2
    base gptbr, SV39, 1, G_ROOT
    misses touch, 0
    ; SFENCE.VMA of one address: one miss.
    go fence_address
    misses touch, 1
    misses fence_all, 1             ; the fetch of the instruction after the fence
    misses touch, 1
    ; A page fault is a miss, each time.
    put vmr11, 0x50000000
    misses faults, 1
    misses faults, 1
    ; TLBFLUSHV: everything.
    put vmr11, PAGES
    TLBFLUSHV
    misses touch, 2

    ; The first level's conflict: pages 256 apart share an entry there, but not in the second level: no miss.
    put vmr11, PAGES+0x100000
    misses touch, 1
    put vmr11, PAGES
    misses touch, 0
    put vmr11, PAGES+0x100000
    misses touch, 0

    ; A set of the second level: pages 128 apart. Eight fit and stay; with nine, touched in turn, each displaces the one that is
    ; needed next (least recently used). R13 pages, each R14 bytes on. Set 5, which nothing else is in: page numbers are
    ; 0x40005 + 128 n.
    TLBFLUSHV
    put vmr11, PAGES+0x5000
    put vmr13, 8
    put vmr14, 0x80000
    misses sweep, 9                 ; eight, and the code
    misses sweep, 0
    misses sweep, 0
    put vmr13, 9
    misses sweep, 1                 ; the ninth takes the first one's place
    misses sweep, 9                 ; ... and so each, for the two entries that the first level has for them are never the next
    pass
touch:
    ld R10, 0(R11)
    vmexit
write:
    sd R10, 0(R11)
    vmexit
faults:
    ld R10, 0(R11)
sweep:
    MOV R15, R11
    MOV R16, R13
1:  ld R10, 0(R15)
    add R15, R15, R14
    addi R16, R16, -1
    bnez R16, 1b
    vmexit
    guest_fences
