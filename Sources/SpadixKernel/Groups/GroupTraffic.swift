import SpadixISA
import SpadixSupport

/// What is done with some rows while an operator runs.
public struct RowUse: Sendable {
  /// Cycles in which the array reads pixels.
  public var pixels = 0
  /// Cycles in which it takes up weights.
  public var matrices = 0
  /// Cycles in which it takes up weights for the next pixels beside the last ones of a tile that it reads here.
  public var meetings = 0
  /// Rows that loads and stores write.
  public var written = 0

  public init(pixels: Int = 0, matrices: Int = 0, meetings: Int = 0, written: Int = 0) {
    self.pixels = pixels
    self.matrices = matrices
    self.meetings = meetings
    self.written = written
  }

  static func += (left: inout RowUse, right: RowUse) {
    left.pixels += right.pixels
    left.matrices += right.matrices
    left.meetings += right.meetings
    left.written += right.written
  }
}

/// How often an operator of a group uses which of its rows in a strip, wherever they lie.
public struct GroupTraffic: TileSink {
  /// Rows of the group's blocks for constants that stay and for a strip, from the operator's first one there.
  public struct Block: Hashable, Sendable {
    /// Whether it is of the constants.
    public var stays: Bool
    /// From the operator's first row there.
    public var offset: Int
    /// Of all slots.
    public var rows: Int
  }

  /// Cycles of all products.
  public private(set) var cycles = 0
  /// Of image rows of the contraction's input.
  public private(set) var input = RowUse()
  /// Of image rows of addends, by identity term.
  public private(set) var identities: [RowUse]
  /// Of image rows of the result.
  public private(set) var output = RowUse()
  /// In the order of the operator's buffers.
  public private(set) var blocks: [(block: Block, use: RowUse)] = []
  /// Of tensors that are in the scratchpad as a whole.
  public private(set) var tensors: [(operand: TileOperand, use: RowUse)] = []

  private let dim: Int
  /// Inputs of the operator.
  private let contracted: Int?
  private let hasContraction: Bool
  private let addends: [Int]
  /// Where the uses of each buffer are counted.
  private var homes: [Home] = []

  private enum Home {
    case images
    case block(Int)
    case tensor(Int)
    case sums
  }

  /// Of all sections of a layout; those that are alike are looked at once.
  public static func all(
    _ group: KernelGroup, _ layout: GroupLayout, constants: [NestConstants], _ target: Target
  ) -> [GroupTraffic] {
    struct Key: Hashable {
      var member: Int
      var constants: KernelStrip.Constants
      var rows: Int
      var reads: Int
      var loads: Int
      var identityLoads: [Int]
    }
    var known: [Key: GroupTraffic] = [:]
    return layout.sections.map { section in
      let strip = section.strip
      let key = Key(
        member: section.member, constants: strip.constants, rows: strip.rows.count,
        reads: strip.input?.starts.count ?? 0, loads: strip.loads.count,
        identityLoads: strip.identityLoads.map(\.count))
      if let traffic = known[key] { return traffic }
      let member = group.members[section.member]
      let traffic = GroupTraffic(
        member, strip,
        KernelNest(
          member, strip, constants: constants[section.member], dim: target.dim,
          accumulatorRows: target.accumulatorRows))
      known[key] = traffic
      return traffic
    }
  }

  private init(_ member: KernelGroup.Member, _ strip: KernelStrip, _ nest: KernelNest) {
    dim = nest.dim
    hasContraction = member.kernel.contraction != nil
    contracted = member.kernel.contraction?.input
    addends = member.kernel.identities.map(\.input)
    identities = member.kernel.identities.map { _ in RowUse() }
    for (number, buffer) in nest.localBuffers.enumerated() {
      if buffer.contents == .sums {
        homes.append(.sums)
      } else if let tensor = buffer.tensor {
        homes.append(.tensor(tensors.count))
        tensors.append((tensor, RowUse()))
      } else if number == nest.imageBuffer?.index {
        homes.append(.images)
      } else {
        let start = buffer.start ?? strip.workingStart
        let stays = start < strip.workingStart && start >= strip.constantsStart && buffer.contents == .weights
        homes.append(.block(blocks.count))
        blocks.append(
          (
            Block(
              stays: stays, offset: start - (stays ? strip.constantsStart : strip.workingStart),
              rows: buffer.totalRows), RowUse()
          ))
      }
    }
    nest.generate(into: &self)
  }

  public static var takesProducts: Bool { true }

  public mutating func append(_ operation: TileOperation) {
    switch operation {
    case .load(let load):
      let transfer = load.transfer
      var role: Role = .input
      if case .input(let input) = transfer.operand, input != contracted, let term = addends.firstIndex(of: input) {
        role = .identity(term)
      }
      use(transfer.local, role, RowUse(written: transfer.lines * transfer.rows * ceilDivide(transfer.columns, dim)))
    case .store(let store):
      guard let resident = store.resident else { return }
      use(resident, .output, RowUse(written: store.transfer.lines * store.transfer.rows))
    case .multiply(let it):
      let count = it.blocks.count * (it.inputBlocks?.count ?? 1) * it.taps.count
      let pixels = count * it.tile.pixels
      // New weights take `dim` cycles, however few pixels there are.
      cycles += max(pixels, count * dim)
      let term = it.window - (hasContraction ? 1 : 0)
      let meetings = it.weights.isShared ? 0 : count * dim
      use(it.source.place, term < 0 ? .input : .identity(term), RowUse(pixels: pixels, meetings: meetings))
      if !it.weights.isShared { use(it.weights.place, .input, RowUse(matrices: count * dim)) }
    case .begin, .zero, .bias, .diagonals, .copy, .host: break
    }
  }

  /// What image rows are to the operator.
  private enum Role {
    case input
    case identity(Int)
    case output
  }

  private mutating func use(_ place: LocalPlace, _ role: Role, _ it: RowUse) {
    switch homes[place.buffer.index] {
    case .sums: break
    case .block(let index): blocks[index].use += it
    case .tensor(let index): tensors[index].use += it
    case .images:
      switch role {
      case .input: input += it
      case .identity(let term): identities[term] += it
      case .output: output += it
      }
    }
  }
}
