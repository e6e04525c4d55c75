"""Measures how far programs are from the cycles that their array and their transfers need: a table of docs/figures.md.

    cycle_bounds.py SPADIX [--only NAME] [--operators COUNT] [--print NAME]

Products are held against the best schedule that is published for Gemmini's default hardware, networks against the larger
of the cycles in which the array is busy and those in which bytes of one direction cross the bus. --operators lists the
operators that take the most cycles beyond their own bound; --print writes one of the graphs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from group_networks import NETWORKS, Network

TARGETS = ["gemmini", "spadix"]

# M, N, K: cycles of the best published schedule.
PRODUCTS = {(512, 512, 512): 531_701, (12544, 256, 64): 971_097, (12544, 64, 256): 810_687,
            (3136, 512, 128): 807_378, (3136, 128, 512): 810_632, (784, 1024, 256): 814_190}


def product(rows, columns, contracted):
    net = Network(f"product_{rows}x{columns}x{contracted}", [rows, contracted])
    weight = net.constant([contracted, columns])
    return net.text(net.apply("nn.matmul", [net.input[0], weight], [rows, columns]))[0]


def transformer_layer(name, tokens, normalizes_first):
    """One layer of 768 channels with 12 heads, as in BERT-base and ViT-B."""
    net = Network(name, [1, tokens, 768])

    def norm(x):
        return net.apply("nn.layer_norm", [x[0], net.constant([768]), net.constant([768])], x[1])

    def attention(x):
        q, k, v = (net.transpose(net.reshape(net.product(x, 768), [1, tokens, 12, 64]), [0, 2, 1, 3]) for _ in range(3))
        scores = net.matrix_product(q, k, True)
        weights = net.apply("nn.softmax", [scores[0]], scores[1], "axis = 3")
        y = net.transpose(net.matrix_product(weights, v, False), [0, 2, 1, 3])
        return net.product(net.reshape(y, [1, tokens, 768]), 768)

    def feed_forward(x):
        return net.product(net.function(net.product(x, 3072), "gelu"), 768)

    x = net.input
    for part in (attention, feed_forward):
        x = net.add(x, part(norm(x))) if normalizes_first else norm(net.add(x, part(x)))
    return net.text(x)[0]


def graphs():
    for sizes, published in PRODUCTS.items():
        yield "x".join(map(str, sizes)), lambda sizes=sizes: product(*sizes), published
    yield "DenseNet-121", lambda: NETWORKS["DenseNet-121"]()[0], None
    yield "BERT-base layer, 128 tokens", lambda: transformer_layer("bert_layer", 128, False), None
    yield "ViT-B/16 layer, 197 tokens", lambda: transformer_layer("vit_layer", 197, True), None
    yield "DNSMOS", lambda: NETWORKS["DNSMOS"]()[0], None


def compiled(spadix, graph, target):
    command = [spadix, "compile", graph, "--target", target, "--report=json", "-o", os.devnull]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_operators(report, count):
    """The operators that take the most cycles beyond the larger of array and bytes of one direction."""
    rows = []
    for row in report["operators"]:
        moved = max(row["dram_bytes"]["read"], row["dram_bytes"]["written"]) // report["target"]["bus_bytes"]
        if row["cycles_modelled"] is not None:
            rows.append((row["cycles_modelled"] - max(row["array_cycles_modelled"], moved), moved, row))
    rows.sort(key=lambda entry: -entry[0])
    for beyond, moved, row in rows[:count]:
        causes = " ".join(f"{key}={value}" for key, value in row["cycles_bound_by"].items() if value)
        print(f"    {row['name']}: {beyond} beyond; {row['cycles_modelled']} cycles, array "
              f"{row['array_cycles_modelled']}, bus {moved}; {row['tiling']}; {causes}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spadix")
    parser.add_argument("--only")
    parser.add_argument("--operators", type=int, default=0)
    parser.add_argument("--print", dest="graph")
    options = parser.parse_args()
    if not options.graph:
        print("| graph | target | MB read | MB written | array | bus | cycles, modelled | of the bound | of the published |")
        print("|---|---|---|---|---|---|---|---|---|")
    for name, build, published in graphs():
        if options.graph == name:
            sys.stdout.write(build())
            return
        if options.graph or options.only not in (None, name):
            continue
        for target in TARGETS:
            with tempfile.TemporaryDirectory() as folder:
                graph = os.path.join(folder, "graph.spx")
                with open(graph, "w", encoding="utf-8") as file:
                    file.write(build())
                report = compiled(options.spadix, graph, target)
            bus = max(report["bus_bytes"].values()) // report["target"]["bus_bytes"]
            array, cycles, moved = (
                report[key] for key in ("array_cycles_modelled", "cycles_modelled", "dram_bytes"))
            ratio = f"{cycles / published:.3f} of {published / 1e3:,.0f} k" if published else ""
            print(f"| {name} | `{target}` | {moved['read'] / 1e6:.2f} | {moved['written'] / 1e6:.2f} "
                  f"| {array / 1e3:,.0f} k | {bus / 1e3:,.0f} k | {cycles / 1e3:,.0f} k "
                  f"| {cycles / max(array, bus):.3f} | {ratio} |", flush=True)
            print_operators(report, options.operators)


if __name__ == "__main__":
    main()
