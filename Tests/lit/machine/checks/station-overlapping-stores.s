; A strided mvout_spad writes rows that hardware does not look at. Behind it, a store that is complete says that they are
; written where stores wait for each other, and nothing where they overlap.
; RUN: %exit 1 %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: mkdir -p %t && printf 'base: gemmini-spad\nname: small\ndim: 8\nscratchpad: {banks: 2, rows_per_bank: 64}\naccumulator: {rows: 64}\ndram_bytes: 1M\ntiming: {reservation_station: {overlapping_stores: false}}\n' > %t/waiting.yaml
; RUN: %spadix run %s --target %t/waiting.yaml --check=hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: writes row 72 of the scratchpad, which an earlier command may still write: hardware does not remember what mvout_spad reads, nor its stride; expected a fence between them, in command 11: mvin2 {{.*}} (line [[#@LINE+16]]: %1 = load) [machine.station-order]
; CHECK-NEXT: note: earlier, command 7: mvout_spad to=sp:64 stride=2 from=acc:0[8x8]
; SILENT: 1 sample
.target {base: gemmini-spad, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*512

config_ex ws a_stride=1 c_stride=1
config_ld stride=32 block_stride=8 scale=1.0
config_ld state=1 stride=8 block_stride=8 scale=1.0
config_st stride=8 scale=1.0
mvin2 dram=0x10000 to=sp:0[8x8]
mvin dram=0x10000 to=acc:0[8x8]
mvin dram=0x10000 to=acc:8[8x8]
mvout_spad to=sp:64 stride=2 from=acc:0[8x8]
mvout dram=0x20000 from=acc:8[8x8]
.operation %1 = load
; Waits for the store before it.
mvin dram=0x10000 to=acc:8[8x8]
mvin2 dram=0x10000 to=sp:16[8x8]
mvin2 dram=0x10000 to=sp:72[1x8]
