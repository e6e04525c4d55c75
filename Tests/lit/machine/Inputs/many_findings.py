"""Prints a program with 120 warnings, then one error and one fault: many_findings.py."""

print(".target {base: gemmini, capabilities: {normalizations: true}}")
print(".data 0x10000 i32\n1*4096")
print("config_ld stride=64 block_stride=16 scale=1.0")
print("mvin dram=0x10000 to=acc:0[16x16]")
print("config_st activation=3 stride=64 scale=1.0")
print("config_norm qb=-100 qc=1000")
for index in range(120):
    # Hardware stores 32-bit elements without the activation.
    print(f"mvout dram={0x20000 + 1024 * index} from=acc32:0[16x16]")
# No fence stands before this load of what was stored.
print("mvin dram=0x20000 to=sp:16[16x16]")
print("mvout dram=0x20000 from=sp:99999[16x16]")
