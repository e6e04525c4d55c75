"""A program with many moves between two products, many products between two moves, and one cut in two by a fence."""

print(""".target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1 0 0 0  0 1 0 0  0 0 1 0  0 0 0 1
.data 0x10010 i8
1 2 3 4  5 6 7 8  9 10 11 12  13 14 15 16

config_ex ws a_stride=1 c_stride=1
config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0""")
for index in range(700):
    print("mvin dram=0x10000 to=sp:0[4x4]" if index % 2 == 0 else f"mvin dram=0x10010 to=sp:{4 * (index % 5 + 1)}[4x4]")
for _ in range(600):
    print("preload weights=sp:4[4x4] result=acc:0[4x4]\ncompute_preloaded a=sp:0[4x4] d=none[4x4]")
for _ in range(40):
    print("mvout dram=0x20000 from=acc:0[4x4]\nfence")
print("preload weights=sp:8[4x4] result=acc:4[4x4]\nfence\ncompute_preloaded a=sp:0[4x4] d=none[4x4]")
for _ in range(300):
    print("preload weights=none[4x4] result=acc:4[4x4]\ncompute_accumulated a=sp:0[4x4] d=none[4x4]")
print("""mvout dram=0x20010 from=acc:4[4x4]
fence
.expect 0x20000 i8
1 2 3 4  5 6 7 8  9 10 11 12  13 14 15 16
1 2 3 4  5 6 7 8  9 10 11 12  13 14 15 16""")
