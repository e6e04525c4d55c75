import SpadixISA
import SpadixSupport

/// Consecutive operators that run strip by strip: in each strip one operator after the other computes the rows of its
/// result that the operators behind it need.
public struct KernelGroup: Hashable, Sendable {
  /// Where an operand or result is.
  public enum Place: Hashable, Sendable {
    /// Image rows in the scratchpad, each from where it is made to its last use.
    case rows
    /// In the scratchpad as a whole.
    case resident
    /// In DRAM.
    case streamed
  }

  /// Where an input of an operator is while the group runs.
  public struct Operand: Hashable, Sendable {
    /// `rows` where the group makes it or brings its rows in.
    public var place: Place
    /// The operator of the group that makes it.
    public var producer: Int?
    /// Of a tensor in rows, how many of its image rows, the last ones, do not stay until then: they come back from DRAM.
    public var fetched: Int

    public init(_ place: Place, producer: Int? = nil, fetched: Int = 0) {
      self.place = place
      self.producer = producer
      self.fetched = fetched
    }
  }

  /// One operator of the group.
  public struct Member: Sendable {
    /// Knows the rows of its image.
    public var kernel: TileKernel
    /// Of the image row by row.
    public var tiling: Tiling
    /// Whether weights and small matrices are loaded once for all strips.
    public var keepsConstants: Bool
    /// Whether the image rows that the operator loads and makes lie as high as they can, below the most rows that the group
    /// has in use at once; otherwise as low as they can.
    public var isFromTop = false
    /// First rows, in the group's block, of what the operator needs during a strip, slot by slot of its buffers, where each
    /// lies by itself; empty where it all lies in the group's block for a strip.
    public var parts: [Int] = []
    /// Per input of the operator.
    public var inputs: [Operand]
    /// `rows` where the group reads it.
    public var output: Place
    /// Whether a result in rows goes to DRAM as well.
    public var isStored: Bool
    /// Of a result in rows that is not stored, how many of its image rows, the last ones, go from there to DRAM: operators
    /// behind it fetch them.
    public var spilled: Int
    /// Equal for kernels that cost the same.
    public var shape: Int

    public init(
      kernel: TileKernel, tiling: Tiling, keepsConstants: Bool, inputs: [Operand], output: Place, isStored: Bool,
      spilled: Int = 0, shape: Int
    ) {
      self.spilled = spilled
      self.kernel = kernel
      self.tiling = tiling
      self.keepsConstants = keepsConstants
      self.inputs = inputs
      self.output = output
      self.isStored = isStored
      self.shape = shape
    }
  }

  /// In the order in which they run in each strip.
  public var members: [Member]
  /// How many; each has about as many rows of the last result.
  public var strips: Int

  public init(members: [Member], strips: Int) {
    self.members = members
    self.strips = strips
    for index in members.indices { self.members[index].spilled = 0 }
    for member in members {
      for operand in member.inputs where operand.fetched > 0 {
        guard let producer = operand.producer, !members[producer].isStored else { continue }
        self.members[producer].spilled = max(self.members[producer].spilled, operand.fetched)
      }
    }
  }

  public static func == (left: KernelGroup, right: KernelGroup) -> Bool {
    left.strips == right.strips && left.members.count == right.members.count
      && zip(left.members, right.members).allSatisfy { $0.key == $1.key }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(strips)
    for member in members { hasher.combine(member.key) }
  }
}

extension KernelGroup.Member {
  /// All that costs depend on but the rows.
  public struct Key: Hashable, Sendable {
    var shape: Int
    var tiling: Tiling
    var keepsConstants: Bool
    var inputs: [KernelGroup.Place]
    var fetched: [Int]
    var output: KernelGroup.Place
    var isStored: Bool
    var spilled: Int
  }

  /// Equal for operators whose parts of the same rows cost the same.
  public var key: Key {
    Key(
      shape: shape, tiling: tiling, keepsConstants: keepsConstants, inputs: inputs.map(\.place),
      fetched: inputs.map(\.fetched), output: output, isStored: isStored, spilled: spilled)
  }

  /// Where the nest finds whole tensors.
  var places: KernelPlaces {
    KernelPlaces(kernel, inputs: inputs.map { $0.place == .resident }, output: output == .resident)
  }

  /// The place of the contraction's input.
  var contractionPlace: KernelGroup.Place? { kernel.contraction?.input.map { inputs[$0].place } }

  /// Image rows of an input that some rows of the result are made of.
  func reads(_ input: Int, for stored: Range<Int>) -> Range<Int> {
    if stored.isEmpty { return 0..<0 }
    let rows = kernel.accumulatorRows(stored)
    guard let contraction = kernel.contraction, contraction.input == input else { return rows }
    let window = contraction.window
    let low = min(max(0, window.inputRow(rows.lowerBound, tapRow: 0)), window.inputRows)
    let high = min(window.inputRows, window.inputRow(rows.upperBound - 1, tapRow: window.kernelRows - 1) + 1)
    return low..<max(low, high)
  }

  /// The image rows of an input, of those in a strip, that the array reads last of a tile: it takes up new weights
  /// meanwhile.
  public func lastRows(ofInput input: Int, in strip: KernelStrip, _ image: ImageRows) -> [Int] {
    stride(from: strip.rows.lowerBound, to: strip.rows.upperBound, by: tiling.tileRows).flatMap { first in
      let last = min(strip.rows.upperBound, first + tiling.tileRows) - 1
      return Array(reads(input, for: last..<last + 1).clamped(to: image.first..<image.first + image.starts.count))
    }
  }

  /// Image rows of an input.
  public func rowCount(ofInput input: Int) -> Int {
    guard let contraction = kernel.contraction, contraction.input == input else { return kernel.rows }
    return contraction.window.inputRows
  }

  /// Of these, the ones that come from DRAM into rows of the group.
  func fetchedRows(ofInput input: Int) -> Range<Int> {
    let count = rowCount(ofInput: input)
    switch inputs[input].place {
    case .resident: return count..<count
    case .rows: return count - inputs[input].fetched..<count
    // Addends stream through tiles.
    case .streamed: return kernel.contraction?.input == input ? 0..<count : count..<count
    }
  }

  /// Image rows of the result that are spilled.
  var spilledRows: Range<Int> { kernel.store.rows - spilled..<kernel.store.rows }

  /// Rows of a row of pixels of an input: its channel blocks side by side.
  public func rowSize(ofInput input: Int, dim: Int) -> Int {
    guard let contraction = kernel.contraction, contraction.input == input else {
      return kernel.columns * ceilDivide(kernel.channels, dim)
    }
    return contraction.window.inputColumns * ceilDivide(contraction.window.inputChannels, dim)
  }

  /// The same of a row of the result.
  public func rowSize(dim: Int) -> Int { kernel.store.columns * ceilDivide(kernel.channels, dim) }
}
