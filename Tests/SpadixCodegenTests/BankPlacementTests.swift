import SpadixIR
import SpadixISA
import Testing

@testable import SpadixCodegen
@testable import SpadixKernel

/// Slots that the array uses at once, or that loads fill beside it, lie in different banks where there is room.
@Suite struct BankPlacementTests {
  private func nest(input: [Int], kernel: [Int], outputs: Int, groups: Int = 1, _ tiling: Tiling) throws -> KernelNest {
    let pad = (kernel[0] - 1) / 2
    let graph = NpuGraphs.convolution(
      input: input, kernel: kernel, outputs: outputs, padding: [pad, pad, pad, pad], groups: groups)
    let kernels = try CodeGenerator(target: .gemmini).prepare(graph, data: DataStore())
    guard case .tile(let forms) = kernels.kernels[0] else { throw Unexpected() }
    let form = try #require(forms.first { $0.serves([false]) })
    return KernelNest(
      KernelGeometry(kernel: form.kernel, tiling: tiling, dim: 16),
      places: KernelPlaces(form.kernel, inputs: [false], output: false), constants: NestConstants(for: form.kernel),
      accumulatorRows: Target.gemmini.accumulatorRows)
  }

  private struct Unexpected: Error {}

  /// One slot behind the other, from a row on.
  private func block(_ nest: KernelNest, from row: Int = 0) -> [BankPlacement.Part] {
    var next = row
    return nest.localBuffers.enumerated().filter(\.element.isWorking).flatMap { index, buffer in
      (0..<buffer.slots).map { slot in
        defer { next += buffer.rows }
        return BankPlacement.Part(buffer: index, slot: slot, rows: next..<next + buffer.rows, isFixed: false)
      }
    }
  }

  private func placed(
    _ nest: KernelNest, from row: Int = 0, occupied: [Range<Int>] = []
  ) throws -> [BankPlacement.Part] {
    var placement = BankPlacement(
      block(nest, from: row), BankTraffic(nest), occupied: occupied, before: [], .gemmini)
    let found = placement.run()
    return try #require(found)
  }

  private func banks(_ part: BankPlacement.Part) -> Set<Int> {
    Set(part.rows.map { $0 / Target.gemmini.scratchpadRowsPerBank })
  }

  private func slots(_ contents: LocalBuffer.Contents, of nest: KernelNest, _ parts: [BankPlacement.Part])
    -> [BankPlacement.Part]
  {
    parts.filter { nest.localBuffers[$0.buffer].contents == contents }
  }

  /// The weights fill two banks, and two slots of pixels take turns in the others: 0 loses nothing.
  @Test func weightsAndPixelsLieApart() throws {
    let nest = try nest(
      input: [1, 1, 256, 512], kernel: [1, 1], outputs: 256,
      Tiling(
        tileRows: 1, tileColumns: 16, blocks: 2, chunksPerGroup: 8, pinnedChunks: 8, windowRows: 2, sliceBlocks: 32,
        sliceTaps: 1))
    let parts = try placed(nest)
    let pixels = slots(.pixels, of: nest, parts)
    let weights = slots(.weights, of: nest, parts)
    #expect(pixels.count == 2 && weights.count == 8)
    #expect(banks(pixels[0]).isDisjoint(with: banks(pixels[1])))
    for part in weights { for other in pixels { #expect(banks(part).isDisjoint(with: banks(other))) } }
    for (index, part) in parts.enumerated() {
      for other in parts[..<index] { #expect(!part.rows.overlaps(other.rows)) }
    }
  }

  /// Between rows of a tensor, where weights fill one bank and pixels all that is left: slots that lie across the border
  /// of two banks cost as much of their loss as they have rows in each.
  @Test func slotsAcrossBordersCount() throws {
    let nest = try nest(
      input: [1, 1, 256, 512], kernel: [1, 1], outputs: 128,
      Tiling(
        tileRows: 1, tileColumns: 64, blocks: 2, chunksPerGroup: 4, pinnedChunks: 4, windowRows: 2, sliceBlocks: 32,
        sliceTaps: 1))
    let parts = try placed(nest, from: 6272, occupied: [0..<6272])
    let pixels = slots(.pixels, of: nest, parts)
    let weights = slots(.weights, of: nest, parts)
    #expect(pixels.count == 2 && weights.count == 4)
    for part in weights { for other in pixels { #expect(banks(part).isDisjoint(with: banks(other))) } }
  }

  /// Of many slots in turn, the one that is filled is beside the one that is read: neighbours lie apart.
  @Test func slotsInTurnLieApartFromTheirNeighbours() throws {
    let nest = try nest(
      input: [1, 1, 1, 2048], kernel: [1, 1], outputs: 256,
      Tiling(
        tileRows: 1, tileColumns: 1, blocks: 1, chunksPerGroup: 4, pinnedChunks: 4, sparePlaces: 1, windowRows: 1,
        sliceBlocks: 128, sliceTaps: 1))
    let weights = slots(.weights, of: nest, try placed(nest))
    #expect(weights.count == 5)
    for (index, part) in weights.enumerated() {
      #expect(banks(part).isDisjoint(with: banks(weights[(index + 1) % weights.count])), "slot \(index)")
    }
  }

  /// Rows that are loaded go before matrices of their bank, each of which holds up the array: with one pixel, for all of
  /// the load.
  @Test func weightsOfOnePixelLieApart() throws {
    let nest = try nest(
      input: [1, 1, 1, 2048], kernel: [1, 1], outputs: 128,
      Tiling(
        tileRows: 1, tileColumns: 1, blocks: 1, chunksPerGroup: 8, pinnedChunks: 0, sparePlaces: 1, windowRows: 1,
        sliceBlocks: 128, sliceTaps: 1))
    let weights = slots(.weights, of: nest, try placed(nest))
    #expect(weights.count == 2)
    #expect(banks(weights[0]).isDisjoint(with: banks(weights[1])))
  }

  /// Diagonal matrices are results, which are written while the taps are read.
  @Test func diagonalsLieApartFromTheirTaps() throws {
    let nest = try nest(
      input: [1, 14, 14, 64], kernel: [3, 3], outputs: 64, groups: 64,
      Tiling(
        tileRows: 14, tileColumns: 14, blocks: 2, chunksPerGroup: 1, pinnedChunks: 1, windowRows: 14, sliceBlocks: 4,
        sliceTaps: 9))
    let parts = try placed(nest)
    let taps = try #require(parts.first { nest.localBuffers[$0.buffer].name == "taps" })
    let matrices = try #require(parts.first { nest.localBuffers[$0.buffer].name == "weights" })
    #expect(banks(taps).isDisjoint(with: banks(matrices)))
  }

  /// Rows of tensors stay free, and what stays in place is not moved.
  @Test func occupiedRowsAreKept() throws {
    let nest = try nest(
      input: [1, 1, 256, 512], kernel: [1, 1], outputs: 256,
      Tiling(
        tileRows: 1, tileColumns: 16, blocks: 2, chunksPerGroup: 4, pinnedChunks: 4, windowRows: 2, sliceBlocks: 32,
        sliceTaps: 1))
    let occupied = [4000..<9000]
    for part in try placed(nest, from: 9000, occupied: occupied) { #expect(!part.rows.overlaps(occupied[0])) }
  }
}
