; A store before config_st.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=configured 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-configured 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: the store configuration is used before config_st sets it, in command 2: mvout dram=0x20000 from=sp:0[1x4] (line [[#@LINE+8]]: %1 = store) [machine.unconfigured]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = store
mvout dram=0x20000 from=sp:0[1x4]
