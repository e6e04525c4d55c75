; A store is dead when all its bytes are stored over unread, however many stores that takes; it is reported once.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; CHECK: remark: what it stores is stored over by command 12 unread, in command 8: mvout dram=0x20100 from=sp:0[4x4] [machine.dead-store]
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
; Half of this is stored over, and then the other half is read.
mvout dram=0x20000 from=sp:0[4x4]
fence
mvout dram=0x20000 from=sp:0[2x4]
fence
mvin dram=0x20008 to=sp:4[2x4]
; This is stored over in two parts.
mvout dram=0x20100 from=sp:0[4x4]
fence
mvout dram=0x20100 from=sp:0[2x4]
fence
mvout dram=0x20108 from=sp:0[2x4]
