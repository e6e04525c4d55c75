import SpadixIR
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixCodegen
@testable import SpadixKernel

@Test(
  "So many output pixels share a row of local memory as what they see fits beside each other",
  arguments: [
    // Channels, columns of taps, stride, dim, pixels.
    ([3, 3, 2, 16], [1, 2]), ([3, 3, 1, 16], [1, 2, 3]), ([3, 7, 2, 16], [1, 2]), ([1, 3, 1, 16], [1, 2, 3, 4]),
    ([1, 7, 2, 16], [1, 2, 3, 4]), ([4, 3, 1, 16], [1, 2]), ([4, 3, 2, 16], [1]), ([3, 5, 2, 16], [1]),
    ([3, 3, 2, 8], [1, 2]), ([3, 3, 2, 4], [1]), ([3, 3, 2, 32], [1, 2, 3, 4]),
  ])
private func pixelsThatFit(_ sizes: [Int], _ pixels: [Int]) {
  let window = InputWindow(
    inputRows: 40, inputColumns: 40, inputChannels: sizes[0], kernelColumns: sizes[1], strideColumns: sizes[2])
  #expect(PackedRows(window, outputColumns: 19, dim: sizes[3]).pixels == pixels)
  #expect(PackedRows(window, outputColumns: 1, dim: sizes[3]).pixels == [1])
}

@Test("Runs of pixels that share columns meet each pixel of a tile once for each row of taps", arguments: 0..<40)
private func runsOfSharedColumns(_ seed: Int) {
  var generator = SplitMix64(seed: UInt64(seed) &* 131)
  let pixels = Int.random(in: 2...4, using: &generator)
  let columns = Int.random(in: pixels...50, using: &generator)
  let window = InputWindow(
    inputRows: 9, inputColumns: ceilDivide(columns, pixels), inputChannels: 15, kernelRows: 3, kernelColumns: pixels,
    dilationColumns: 0, paddingTop: 1, columnPixels: pixels, pixelChannels: 2)
  let first = Int.random(in: 0..<columns, using: &generator)
  let tile = (rows: 2..<6, columns: first..<Int.random(in: first + 1...columns, using: &generator))
  let plane = PlaneLayout(pitch: window.inputColumns)
  for tapRow in 0..<3 {
    var seen: [Int: Int] = [:]
    for pixel in 0..<pixels {
      let runs = window.runs(
        rows: tile.rows, columns: tile.columns, tap: tapRow * pixels + pixel, plane: plane, dim: 16, least: 4)
      for run in runs {
        #expect(run.count <= 16)
        for index in 0..<run.count {
          let result = run.result + index * pixels
          let (y, x) = result.quotientAndRemainder(dividingBy: tile.columns.count)
          let column = tile.columns.lowerBound + x
          #expect(column % pixels == pixel)
          #expect(run.source + index == (tile.rows.lowerBound + y + tapRow - 1) * plane.pitch + column / pixels)
          seen[result, default: 0] += 1
        }
      }
    }
    #expect(seen.count == tile.rows.count * tile.columns.count && seen.values.allSatisfy { $0 == 1 })
  }
}

@Test("Each pixel of a shared column has the weights where it begins to see, and zeros around them")
private func weightsOfSharedColumns() {
  let window = InputWindow(
    inputRows: 5, inputColumns: 3, inputChannels: 5, kernelRows: 2, kernelColumns: 2, dilationColumns: 0,
    columnPixels: 2, pixelChannels: 2)
  let contraction = TileKernel.Contraction(
    operand: .input(0), window: window, weights: .dense(ConstantID(0)),
    view: TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: 0))
  let kernel = TileKernel(
    images: 1, rows: 4, columns: 6, channels: 4, contraction: contraction, identities: [], bias: nil,
    store: TileKernel.Store(output: OutputStage(scales: [1], low: -128), rows: 4, columns: 6))
  let tiling = Tiling(
    tileRows: 1, tileColumns: 6, blocks: 1, chunksPerGroup: 1, pinnedChunks: 1, windowRows: 2, sliceBlocks: 2,
    sliceTaps: 4)
  // Two rows of taps, three channels that a pixel sees, four outputs.
  let source = (1...24).map { UInt8($0) }
  let ordered = KernelGeometry(kernel: kernel, tiling: tiling, dim: 4).ordered(source, contraction)
  func matrix(_ rows: [Int?]) -> [[UInt8]] {
    rows.map { row in row.map { Array(source[$0 * 4..<$0 * 4 + 4]) } ?? [0, 0, 0, 0] }
  }
  let expected = matrix([0, 1, 2, nil, nil] + [nil, nil, 0, 1, 2] + [3, 4, 5, nil, nil] + [nil, nil, 3, 4, 5])
  // So few rows lie in DRAM as they are.
  #expect((0..<20).map { Array(ordered[$0 * 4..<$0 * 4 + 4]) } == expected)
}
