import SpadixISA
import SpadixMachine

@testable import SpadixReport

/// Two operators on a small target: a convolution with resident operands, and a softmax on the host.
func exampleReport() -> CompilationReport {
  var convolution = OperatorReport(
    name: "%1 = npu.conv2d", kind: .array, sourceLine: 7, arrayCycles: 2_000, issuedMACs: 512_000,
    usefulMACs: 256_000, scratchpadRows: 144, accumulatorRows: 64, commands: 30, operands: [.streamed],
    results: [.resident], tiling: "pixels 64, channels 16, \"weights\" outermost")
  convolution.traffic.weights = 2_304
  convolution.traffic.inputs = 1_024
  convolution.traffic.spills = 1_024
  var softmax = OperatorReport(
    name: "%2 = nn.softmax", kind: .host, hostReason: "gemmini has no softmax unit", sourceLine: 8)
  softmax.traffic.outputs = 10
  var cycles = Counters.Cycles()
  (cycles.array, cycles.load, cycles.store, cycles.dependence, cycles.issue) = (1_800, 1_200, 400, 360, 240)
  convolution.cycles = cycles
  var report = CompilationReport(
    graph: "small", target: TargetReport(.gemmini), operators: [convolution, softmax],
    schedule: ScheduleReport(
      formulation: "residency", trafficBytes: 4_362, boundBytes: 4_362, closedBy: "root relaxation", rows: 12,
      columns: 9, nodes: 0),
    scratchpadPeakRows: 208, accumulatorPeakRows: 64, commands: 31, dramImageBytes: 8_192,
    time: TimeReport(cycles: cycles, busRead: 4_096, busWritten: 1_040),
    allocation: [
      AllocationReport(
        tensor: "%1", firstStep: 0, lastStep: 1, row: 144, rows: 64, origin: "produced", spilled: true)
    ])
  report.whatIfs = [
    WhatIf(parameter: "timing.max_in_flight", present: 16, changed: 32, cycles: 3_900),
    WhatIf(parameter: "timing.dma_latency", present: 60, changed: 30, cycles: 3_400),
  ]
  return report
}
