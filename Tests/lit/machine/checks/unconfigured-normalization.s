; A store through igelu before config_norm gives its constants.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=configured 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-configured 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: igelu is used before config_norm sets its constants, in command 3: mvout dram=0x20000 from=acc:0[1x4] (line [[#@LINE+9]]: %1 = igelu) [machine.unconfigured]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}
.data 0x10000 i32
1*4

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st activation=3 stride=4 scale=1.0
.operation %1 = igelu
mvout dram=0x20000 from=acc:0[1x4]
