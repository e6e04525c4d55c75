; A store over bytes that a load before it reads. It stores rows that do not come from that load, so that nothing makes it
; wait: the load may read what the store wrote.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=fences 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-fences 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: stores over bytes that an earlier command loads, without waiting for it, in command 4: mvout dram=0x10010 from=sp:0[4x4] (line [[#@LINE+12]]: %2 = store) [machine.fence]
; CHECK-NEXT: note: earlier, command 3: mvin dram=0x10010 to=sp:4[4x4] (line [[#@LINE+9]]: %1 = load)
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = load
mvin dram=0x10010 to=sp:4[4x4]
.operation %2 = store
mvout dram=0x10010 from=sp:0[4x4]
