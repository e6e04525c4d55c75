import Testing

@testable import SpadixReport

@Suite struct TextReportTests {
  @Test func summaryStatesTheFigures() {
    let text = TextReport(exampleReport()).text
    #expect(text.hasPrefix("@small for gemmini: dim 16, scratchpad 256 KiB, accumulator 64 KiB\n"))
    #expect(text.contains("1 operators on the accelerator, 1 on the host; 31 commands"))
    #expect(text.contains("  weights      2,304\n"))
    #expect(text.contains("  total        3,328    1,034\n"))
    #expect(text.contains("  scratchpad         208  16,384  1.3 %\n"))
    #expect(
      text.contains(
        """
        total cycles 4,000 (modelled)
          bound by the array 45.0 %, loads 30.0 %, stores 10.0 %, dependences 9.0 %, issue 6.0 %
          bytes on the bus: 4,096 read, 1,040 written
          array busy in 2,000 of them, 50.0 %
          array utilization 50.0 % in those: 256,000 useful of 512,000 issued MACs

        """))
    #expect(
      text.contains(
        """
          schedule: optimal for bytes, closed by root relaxation
            3,900 cycles planned, bound 3,000 (30.0 % above)
            4,362 bytes, bound 4,362 (least)
        """))
    #expect(text.contains("%2 = nn.softmax     8  gemmini has no softmax unit"))
  }

  @Test func sentencesSayWhatLimits() {
    let text = TextReport(exampleReport()).text
    #expect(text.contains("bound by the array in 45.0 % of the cycles; most of the rest goes to loads, 30.0 %\n"))
    #expect(
      text.contains(
        "%1 = npu.conv2d, line 7, costs most beyond its array time: 2,000 of its 4,000 cycles; 30.0 % go to loads\n"))
    #expect(
      text.contains(
        "the same commands with timing.dma_latency 30 instead of 60 take 3,400 cycles, 15.0 % fewer (modelled)\n"))
  }

  @Test func aGainBelowAHundredthIsSaidToBeNone() {
    var report = exampleReport()
    report.whatIfs = [WhatIf(parameter: "timing.bus_bytes", present: 16, changed: 32, cycles: 3_990)]
    #expect(
      TextReport(report).text.contains(
        "other timing hardly helps: the same commands with timing.bus_bytes 32 instead of 16 take 3,990 cycles, 0.3 %"))
  }

  @Test func waitingCanBeWhatLimits() {
    var report = exampleReport()
    report.time?.cycles.array = 100
    #expect(TextReport(report).text.contains("loads take 52.2 % of the cycles, the array bounds 4.3 %"))
  }

  @Test func theColumnNamesTheLargestPart() {
    #expect(TextReport(exampleReport()).text.contains("4,000  array 45.0 %"))
  }

  @Test func unitsFollowTheTarget() {
    var report = exampleReport()
    #expect(!TextReport(report).text.contains("MHz"))
    report.target.clockMHz = 500
    report.energy = EnergyReport(picojoules: [3_000_000, 1_000_000, 0, 0, 0, 0])
    let text = TextReport(report).text
    #expect(text.contains("0.008 ms at 500 MHz (modelled), 125,000.0 inferences a second, host steps not counted\n"))
    #expect(text.contains("energy 4.000 \u{B5}J (modelled): MACs 75.0 %, DRAM 25.0 %\n"))
  }

  @Test func gapIsStatedWhenTheBoundIsBelow() {
    var report = exampleReport()
    report.schedule.bytesBound = 4_000
    report.schedule.isProven = false
    let text = TextReport(report).text
    #expect(text.contains("schedule: not proven"))
    #expect(text.contains("4,362 bytes, bound 4,000 (9.1 % above)"))
  }

  @Test func boundOfAFileIsNoProof() {
    var report = exampleReport()
    report.schedule.formulation = ScheduleReport.file
    let given = "schedule: 3,900 cycles planned, 4,362 bytes; the plan was given with the graph"
    #expect(TextReport(report).text.contains(given))
    #expect(!TextReport(report).text.contains("optimal"))
  }

  @Test func columnsWithoutFiguresAreLeftOut() {
    let text = TextReport(exampleReport()).text
    #expect(!text.contains("fetched"))
    #expect(text.contains("spilled"))
  }

  @Test func allocationComesOnRequest() {
    #expect(!TextReport(exampleReport()).text.contains("144..<208"))
    let text = TextReport(exampleReport(), verbose: true).text
    #expect(text.contains("0...1        144..<208     64  %1      produced  spilled"))
  }

  @Test func graphWithoutOperatorsHasNoTable() {
    var report = exampleReport()
    report.operators = []
    let text = TextReport(report).text
    #expect(text.contains("array utilization 0.0 % in those: 0 useful of 0 issued MACs"))
    #expect(!text.contains("operator "))
  }

  @Test func noLineEndsInBlanks() {
    let lines = TextReport(exampleReport(), verbose: true).text.split(separator: "\n")
    #expect(!lines.isEmpty)
    #expect(lines.allSatisfy { $0.last != " " })
  }
}
