//! Every parameter of the cycle model: key, unit, range, the value of both presets with where it comes from, and what it
//! means. This is the one place where they stand; `docs/cycle-model.md` has the table made from it.
//!
//! Sources, by the names used below:
//!
//! * *E31/U54 manual*: SiFive's manuals of the E31 and U54 core complexes (single issue, in order, five stages); the
//!   U54 is also described in Microchip's PolarFire SoC documentation.
//! * *A53 TRM*, *A55 TRM*: Arm's technical reference manuals of the Cortex-A53 and A55 (in order, with two-stage
//!   translation: where the U54 has no hypervisor extension to take a figure from).
//! * *N1 TRM*, *N1 guide*: Arm's technical reference manual and software optimization guide of the Neoverse N1.
//! * *N1 paper*: Pellegrini et al., "The Arm Neoverse N1 Platform", IEEE Micro 40(2), 2020; figures also on WikiChip.
//! * *assumed*: nobody's measurement; a round number in the range that designs of the kind have. No processor with
//!   V-ISA exists, so that everything about its world switch is assumed. Vary it.

use crate::settings::{Unit, parameters};

parameters! {
"Pipeline" {
    in_order "pipeline.in-order" Switch 0..=1,
        1 "U54: single issue, in order",
        0 "N1: out of order",
        "1: an instruction waits for its operands (latencies below); 0: out of order, latencies of hits are hidden";
    window "pipeline.window" Instructions 0..=4096,
        0 "in order",
        128 "N1 paper: 128-entry reorder buffer",
        "out of order: how long a result that missed the cache counts as under way; a load whose address depends on it waits in full";
}
"Issue: cycles that an instruction takes up, if nothing holds it back" {
    issue_alu "issue.alu" Cycles 0..=100,
        1.0 "E31/U54 manual: one a cycle",
        0.35 "N1 paper: four are dispatched a cycle; assumed: three out of four slots used",
        "integer computation";
    issue_multiply "issue.multiply" Cycles 0..=100,
        1.0 "assumed: pipelined",
        0.5 "assumed: one multiplier, half of it hidden",
        "integer multiplication";
    issue_divide "issue.divide" Cycles 0..=100,
        1.0 "the wait is in latency.divide",
        6.0 "N1 guide: 5 to 20 cycles, not pipelined; assumed: small quotients, partly hidden",
        "integer division";
    issue_load "issue.load" Cycles 0..=100,
        1.0 "E31/U54 manual",
        0.35 "as issue.alu",
        "loads";
    issue_store "issue.store" Cycles 0..=100,
        1.0 "E31/U54 manual",
        0.35 "as issue.alu",
        "stores";
    issue_branch "issue.branch" Cycles 0..=100,
        1.0 "E31/U54 manual: no penalty if predicted",
        0.35 "as issue.alu",
        "branches and jumps";
    issue_float_move "issue.float-move" Cycles 0..=100,
        1.0 "assumed: pipelined",
        0.5 "N1 guide: two floating-point pipes",
        "floating-point moves, comparisons, sign operations";
    issue_float "issue.float" Cycles 0..=100,
        1.0 "assumed: pipelined",
        0.5 "N1 guide: two floating-point pipes",
        "floating-point addition, multiplication, fused, conversion";
    issue_float_divide "issue.float-divide" Cycles 0..=100,
        1.0 "the wait is in latency.float-divide",
        7.0 "N1 guide: 7 to 17 cycles, not pipelined",
        "floating-point division and square root";
    issue_atomic "issue.atomic" Cycles 0..=100,
        4.0 "assumed",
        6.0 "assumed",
        "LR, SC and AMOs, beyond the cache access";
    issue_msr "issue.msr" Cycles 0..=100,
        1.0 "the wait is in latency.msr",
        4.0 "assumed: they wait for older instructions",
        "reading and writing MSRs";
    issue_fence "issue.fence" Cycles 0..=1000,
        4.0 "assumed",
        8.0 "assumed",
        "FENCE, FENCE.TSO, FENCE.I";
    issue_system "issue.system" Cycles 0..=1000,
        1.0 "assumed",
        2.0 "assumed",
        "what is left: WFI, PAUSE, IN and OUT, V-ISA's instructions, beyond what is counted for them below";
}
"Latency: cycles until the result can be used; in order only" {
    latency_alu "latency.alu" Cycles 0..=1000,
        1.0 "E31/U54 manual: fully bypassed",
        1.0 "N1 guide (not used out of order)",
        "integer computation";
    latency_load "latency.load" Cycles 0..=1000,
        2.0 "E31/U54 manual",
        4.0 "N1 guide (not used out of order)",
        "loads of 32 and 64 bits that hit";
    latency_load_narrow "latency.load-narrow" Cycles 0..=1000,
        3.0 "E31/U54 manual",
        4.0 "N1 guide (not used out of order)",
        "loads of 8 and 16 bits that hit";
    latency_multiply "latency.multiply" Cycles 0..=1000,
        5.0 "E31/U54 manual",
        4.0 "N1 guide (not used out of order)",
        "integer multiplication";
    latency_divide "latency.divide" Cycles 0..=1000,
        34.0 "E31/U54 manual: a bit a cycle, up to about 66; assumed: half the bits",
        12.0 "N1 guide (not used out of order)",
        "integer division";
    latency_msr "latency.msr" Cycles 0..=1000,
        3.0 "E31/U54 manual",
        4.0 "assumed (not used out of order)",
        "reading an MSR";
    latency_float_move "latency.float-move" Cycles 0..=1000,
        2.0 "assumed",
        2.0 "N1 guide (not used out of order)",
        "floating-point moves, comparisons, sign operations";
    latency_float "latency.float" Cycles 0..=1000,
        5.0 "assumed",
        3.0 "N1 guide (not used out of order)",
        "floating-point addition, multiplication, fused, conversion";
    latency_float_divide "latency.float-divide" Cycles 0..=1000,
        27.0 "assumed",
        15.0 "N1 guide (not used out of order)",
        "floating-point division and square root";
}
"Branch prediction" {
    branch_table "branch.table" Entries 1..=1048576,
        512 "E31/U54 manual: 512-entry branch history table",
        8192 "assumed",
        "two-bit counters for conditional branches; a power of two";
    branch_history "branch.history" Bits 0..=20,
        0 "bimodal",
        12 "assumed: gshare stands in for a predictor that is better",
        "outcomes that are hashed into the table's index (gshare); 0 is bimodal";
    branch_target "branch.target" Entries 1..=65536,
        28 "E31/U54 manual: 28-entry branch target buffer",
        6144 "N1 paper: 6 K entries",
        "branch target buffer";
    branch_target_ways "branch.target-ways" Ways 1..=64,
        28 "E31/U54 manual: fully associative",
        6 "assumed",
        "its associativity; entries / ways is a power of two";
    branch_returns "branch.returns" Entries 0..=256,
        6 "E31/U54 manual: 6-entry return-address stack",
        16 "assumed",
        "return-address stack";
    branch_mispredict "branch.mispredict" Cycles 0..=1000,
        3.0 "E31/U54 manual",
        11.0 "N1 paper",
        "penalty of a wrong direction, and of a wrong target of JALR";
    branch_redirect "branch.redirect" Cycles 0..=1000,
        2.0 "assumed: found at decode",
        4.0 "assumed: found at decode",
        "penalty of a taken branch or JAL whose target the buffer does not know";
}
"Caches" {
    line "cache.line" Bytes 16..=256,
        64 "E31/U54 manual",
        64 "N1 TRM",
        "line of every cache; a power of two";
    l1i_size "l1i.size" Bytes 1024..=16777216,
        32768 "U54 as in the FU540",
        65536 "N1 TRM",
        "first-level instruction cache";
    l1i_ways "l1i.ways" Ways 1..=64,
        8 "U54 as in the FU540",
        4 "N1 TRM",
        "its associativity; lines / ways is a power of two, for each cache";
    l1d_size "l1d.size" Bytes 1024..=16777216,
        32768 "U54 as in the FU540",
        65536 "N1 TRM",
        "first-level data cache";
    l1d_ways "l1d.ways" Ways 1..=64,
        8 "U54 as in the FU540",
        4 "N1 TRM",
        "its associativity";
    l2_size "l2.size" Bytes 1024..=1073741824,
        2097152 "FU540: 2 MiB",
        1048576 "N1 TRM: up to 1 MiB",
        "second-level cache, for both; each hart has its own";
    l2_ways "l2.ways" Ways 1..=64,
        16 "FU540",
        8 "N1 TRM",
        "its associativity";
    l2_latency "l2.latency" Cycles 0..=10000,
        20.0 "assumed",
        11.0 "N1 paper: 9 to 11 cycles",
        "a first-level miss that hits the second level, beyond a hit";
    memory_latency "memory.latency" Cycles 0..=100000,
        120.0 "assumed: about 120 ns at 1 GHz",
        250.0 "assumed: about 90 ns at 2.8 GHz; there is no third level",
        "a miss in both levels, beyond a first-level hit";
    device_latency "memory.device" Cycles 0..=100000,
        60.0 "assumed",
        200.0 "assumed",
        "a load or store of a device, or IN or OUT, that is not emulated";
    store_exposed "memory.store-exposed" Percent 0..=100,
        30 "assumed: a store buffer hides the rest",
        5 "assumed: a store buffer hides the rest",
        "how much of a store's miss the pipeline waits for";
    load_exposed "memory.load-exposed" Percent 0..=100,
        100 "in order: the pipeline waits",
        40 "assumed: overlapped with other work; a dependent load waits in full (pipeline.window)",
        "how much of a load's miss the pipeline waits for";
    fetch_exposed "memory.fetch-exposed" Percent 0..=100,
        100 "in order",
        60 "assumed: fetch runs ahead",
        "how much of an instruction cache miss the pipeline waits for";
    prefetch "memory.prefetch" Lines 0..=64,
        0 "none",
        4 "assumed: a sequential prefetcher",
        "lines fetched ahead, free of cost, at a data miss next to a line that is cached";
}
"Translation" {
    itlb "tlb.instruction" Entries 1..=4096,
        32 "U54: 32 entries, fully associative",
        48 "N1 TRM: 48 entries, fully associative",
        "first-level TLB for fetches, fully associative";
    dtlb "tlb.data" Entries 1..=4096,
        32 "U54: 32 entries, fully associative",
        48 "N1 TRM: 48 entries, fully associative",
        "first-level TLB for loads and stores, fully associative";
    tlb2 "tlb.second" Entries 1..=65536,
        512 "A53 TRM: 512 entries",
        1280 "N1 TRM: 1280 entries",
        "second-level TLB, shared; combined translations";
    tlb2_ways "tlb.second-ways" Ways 1..=64,
        4 "A53 TRM",
        5 "N1 TRM",
        "its associativity; entries / ways is a power of two";
    tlb2_latency "tlb.second-latency" Cycles 0..=1000,
        2.0 "assumed",
        5.0 "assumed",
        "a first-level miss that hits the second level";
    guest_walk_cache "walk.guest-cache" Entries 0..=4096,
        64 "A53 TRM: 64-entry walk cache",
        64 "assumed: as the A55's",
        "entries of the first stage's upper levels that walks remember; LRU, fully associative";
    nested_walk_cache "walk.nested-cache" Entries 0..=4096,
        16 "assumed",
        16 "assumed",
        "entries of the second stage's upper levels that walks remember; LRU, fully associative";
    nested_tlb "walk.nested-tlb" Entries 0..=4096,
        64 "A53 TRM: 64-entry IPA cache",
        64 "assumed: as the A55's",
        "second-stage translations that walks remember (guest-physical to physical); LRU, fully associative";
    walk_start "walk.start" Cycles 0..=1000,
        3.0 "assumed",
        5.0 "assumed",
        "what a walk takes beside its references";
    walk_hit "walk.hit" Cycles 0..=1000,
        2.0 "assumed: as a load that hits",
        4.0 "N1 guide: as a load that hits",
        "a reference that hits the cache that the walker reads; misses add the cache's latency";
    walk_level "walk.level" Level 1..=2,
        1 "assumed: the walker shares the data cache",
        2 "assumed: the walker reads the second level",
        "the cache that the walker reads: 1 first-level data, 2 second-level";
    walk_exposed "walk.exposed" Percent 0..=100,
        100 "in order",
        70 "assumed: overlapped with other work; a dependent load waits in full",
        "how much of a walk the pipeline waits for";
}
"Traps and flushes" {
    trap_enter "trap.enter" Cycles 0..=100000,
        5.0 "assumed: the pipeline is refilled",
        20.0 "assumed: younger instructions are thrown away, the front end restarts",
        "an exception or interrupt, to Ring 0 or within Ring -1";
    trap_return "trap.return" Cycles 0..=100000,
        5.0 "assumed: the pipeline is refilled",
        15.0 "assumed",
        "SRET, HVRET";
    flush_address "flush.address" Cycles 0..=100000,
        5.0 "assumed: the pipeline is refilled",
        15.0 "assumed",
        "SFENCE.VMA of an address, TLBFLUSHV of a guest-physical address";
    flush_all "flush.all" Cycles 0..=100000,
        8.0 "assumed",
        30.0 "assumed",
        "SFENCE.VMA, TLBFLUSHV of a VM or everything";
    flush_instructions "flush.instructions" Switch 0..=1,
        1 "U54: FENCE.I empties the instruction cache",
        0 "N1: instruction cache coherent",
        "whether FENCE.I empties the first-level instruction cache";
}
"World switch" {
    switch_enter "switch.enter" Cycles 0..=100000,
        5.0 "assumed: the pipeline is refilled, as for a trap",
        20.0 "assumed: as for a trap",
        "VMENTER and VMRESUME: refilling the pipeline";
    switch_exit "switch.exit" Cycles 0..=100000,
        5.0 "assumed: as for a trap",
        20.0 "assumed: as for a trap",
        "VM exit: refilling the pipeline";
    switch_bank "switch.bank" Cycles 0..=100000,
        2.0 "assumed: a select bit of the register file",
        8.0 "assumed: the rename map is exchanged",
        "changing the bank, each way";
    switch_check "switch.check" Cycles 0..=100000,
        4.0 "assumed: the checks run side by side, on registers",
        8.0 "assumed",
        "checking the state before an entry";
    switch_record "switch.record" Cycles 0..=100000,
        2.0 "assumed: a few registers are written",
        4.0 "assumed",
        "filling the exit record";
    vmcs_value "switch.vmcs-value" Cycles 0..=1000,
        1.0 "as issue.load",
        0.5 "assumed: two a cycle",
        "moving one 64-bit value of a VMCS, beyond cache misses: VMSAVE, VMLOAD, VMENTER of another VMCS";
}
}
