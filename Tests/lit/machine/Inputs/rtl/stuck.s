; As moves.s, with an mvin2, which the stub never completes.
.target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 1, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, timing: {bus_bytes: 8}}
.data 0x10000 i8
1 2 3 4 5 6 7 8 -1 -2 -3 -4 -5 -6 -7 -8 9*16 7*32
config_ld stride=8 block_stride=8 scale=1.0
config_ld state=1 stride=8 block_stride=8 scale=1.0
mvin dram=0x10000 to=sp:8[4x8]
mvin2 dram=0x10020 to=sp:12[4x8]
config_st stride=8 scale=1.0
mvout dram=0x20000 from=sp:8[8x8]
fence
.expect 0x20000 i8
1 2 3 4 5 6 7 8 -1 -2 -3 -4 -5 -6 -7 -8 9*16 7*32
