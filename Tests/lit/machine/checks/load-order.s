; Rows that loads add to before their first value may be there: int8 on top of one 32-bit row that is repeated, and few
; rows of one width. A fence, a product, or many rows between are right, int8 before 32 bits.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: adds to row 0 of the accumulator, which an earlier command may still load: rows overtake one another on hardware; expected a fence between them, or 32 rows of other loads and int8 before 32 bits, in command 5: mvin2 {{.*}} [machine.load-order]
; CHECK-NEXT: note: earlier, command 4: mvin dram=0x10000 to=acc:0[4x8]
; CHECK: error: adds to row 8 of the accumulator, {{.*}}, in command 8: mvin2 {{.*}} [machine.load-order]
; CHECK-NEXT: note: earlier, command 7: mvin2 dram=0x11000 to=acc:8[4x8]
; SILENT: 1 sample
.target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i32
1*8
.data 0x11000 i8
2*64

config_ex ws a_stride=1 c_stride=1
config_ld stride=0 block_stride=8 scale=1.0
config_ld state=1 stride=8 block_stride=8 scale=1.0 shrunk
config_st stride=8 scale=1.0
mvin dram=0x10000 to=acc:0[4x8]
mvin2 dram=0x11000 to=acc+:0[4x8]
mvout dram=0x20000 from=acc:0[4x8]
mvin2 dram=0x11000 to=acc:8[4x8]
mvin2 dram=0x11000 to=acc+:8[4x8]
mvout dram=0x20100 from=acc:8[4x8]
; Zeros do no harm.
mvin2 dram=0x11000 to=acc:12[4x8]
mvin dram=0 to=acc+:12[4x8]
mvout dram=0x20180 from=acc:12[4x8]
; A fence between.
mvin dram=0x10000 to=acc:16[4x8]
fence
mvin2 dram=0x11000 to=acc+:16[4x8]
mvout dram=0x20200 from=acc:16[4x8]
; A product between, which has waited for the first load and is waited for.
config_ld state=2 stride=8 block_stride=8 scale=1.0
mvin3 dram=0x11000 to=sp:0[4x8]
mvin dram=0x10000 to=acc:24[4x8]
preload weights=sp:0[4x8] result=acc+:24[4x8]
compute_preloaded a=sp:0[4x4] d=none[4x8]
mvin2 dram=0x11000 to=acc+:24[4x8]
mvout dram=0x20300 from=acc:24[4x8]
; 32 rows to the next load of the same, and 32 to the biases.
mvin2 dram=0x11000 to=acc:32[8x8]
mvin2 dram=0x11000 to=acc:40[8x8]
mvin2 dram=0x11000 to=acc:48[8x8]
mvin2 dram=0x11000 to=acc:56[8x8]
mvin2 dram=0x11000 to=acc+:32[8x8]
mvin2 dram=0x11000 to=acc+:40[8x8]
mvin2 dram=0x11000 to=acc+:48[8x8]
mvin2 dram=0x11000 to=acc+:56[8x8]
mvin dram=0x10000 to=acc+:32[8x8]
mvout dram=0x20400 from=acc:32[8x8]
