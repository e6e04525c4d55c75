import SpadixKernel
import SpadixPlan

/// Follows which pixel of which image every row of a group's block holds, command by command of its tile programs: each
/// product must find the pixels that its window sees, and constants that stay must still be there. Knows nothing of how
/// rows were given out.
struct GroupContents {
  /// By row of the group's block; 0 for nothing known.
  private var held: [UInt64]
  /// The pixels of results in rows that DRAM holds.
  private var stored: Set<UInt64> = []
  /// Names of buffers, in the order in which they are seen.
  private var nameNumbers: [String: Int] = [:]
  /// Rows of buffers of the program that runs, in which no pixels may come.
  private var working: [Range<Int>] = []
  private let group: KernelGroup
  private let first: Int
  private let dim: Int

  init(_ group: KernelGroup, from first: Int, rows: Int, dim: Int) {
    self.group = group
    self.first = first
    self.dim = dim
    held = Array(repeating: 0, count: rows)
  }

  /// Throws where a program would read something else than it should.
  mutating func check(_ nest: GroupNest) throws(PlanViolation) {
    do {
      try nest.forEach { member, program in try run(member, program) }
    } catch let violation as PlanViolation {
      throw violation
    } catch {
      throw PlanViolation("plan.group-rows", "\(error)", at: .group(first, nil))
    }
  }

  private func broken(_ member: Int, _ message: String) -> PlanViolation {
    PlanViolation("plan.group-rows", message, at: .step(first + member, nil))
  }

  private static func pixel(_ image: Int, _ y: Int, _ x: Int, _ block: Int) -> UInt64 {
    UInt64(image + 1) << 56 | UInt64(y) << 36 | UInt64(x) << 16 | UInt64(block)
  }

  /// - Parameter name: the number of a buffer's name.
  private static func constant(_ member: Int, _ name: Int, _ row: Int) -> UInt64 {
    UInt64(1) << 63 | UInt64(member) << 48 | UInt64(name) << 32 | UInt64(row)
  }

  /// Follows the next program of a member. Throws a `PlanViolation` where it would read something else than it should.
  mutating func run(_ index: Int, _ program: TileProgram) throws {
    let rows = program.buffers.firstIndex { $0.isKept && $0.contents == .pixels }
    working = []
    for (number, buffer) in program.buffers.enumerated() where buffer.isWorking && number != rows {
      let places = (0..<buffer.slots).compactMap(buffer.place)
      guard places.count == buffer.slots, places.allSatisfy({ $0.upperBound <= held.count }) else {
        throw broken(index, "'\(buffer.name)' leaves the group's rows")
      }
      working += places
      // Constants that stay are found by name: later programs have fewer buffers.
      let name = nameNumbers[buffer.name] ?? nameNumbers.count
      nameNumbers[buffer.name] = name
      for (number, row) in places.joined().enumerated() {
        let tag = Self.constant(index, name, number)
        if buffer.isKept, held[row] != tag {
          throw broken(index, "row \(row) of the group does not hold '\(buffer.name)' any more")
        }
        held[row] = tag
      }
    }
    for operation in program.operations {
      switch operation {
      case .load(let load) where load.transfer.local.buffer.index == rows: try self.load(index, load.transfer)
      case .store(let store) where store.resident?.buffer.index == rows && rows != nil: try self.store(index, store)
      case .store(let store) where store.resident == nil && group.members[index].output == .rows:
        try storeToMemory(index, store, isInRows: store.transfer.local.buffer.index == rows)
      case .multiply(let products) where products.source.place.buffer.index == rows:
        try multiply(index, products, program.windows[products.window])
      case .begin, .load, .zero, .bias, .diagonals, .multiply, .store, .copy, .host: break
      }
    }
  }

  private mutating func put(_ index: Int, _ row: Int, _ tag: UInt64) throws {
    guard held.indices.contains(row) else { throw broken(index, "row \(row) is not one of the group's \(held.count)") }
    if working.contains(where: { $0.contains(row) }) {
      throw broken(index, "row \(row) of the group gets a pixel, and is needed for what the operator multiplies with")
    }
    held[row] = tag
  }

  private mutating func load(_ index: Int, _ transfer: Transfer) throws {
    let member = group.members[index]
    guard case .input(let input) = transfer.operand else { return }
    let view: TileKernel.DRAMView
    if let contraction = member.kernel.contraction, contraction.input == input {
      view = contraction.view
    } else if let identity = member.kernel.identities.first(where: { $0.input == input }) {
      view = identity.view
    } else {
      throw broken(index, "input \(input) is in no rows")
    }
    // Some of the channels of an image row.
    let (y, channel) = (transfer.offset - view.offset).quotientAndRemainder(dividingBy: max(1, view.row))
    let firstBlock = channel / dim
    let image = member.inputs[input].place == .rows ? member.inputs[input].producer! : group.members.count + index
    for block in 0..<(transfer.columns + dim - 1) / dim {
      for x in 0..<transfer.rows {
        let tag = Self.pixel(image, y, x, firstBlock + block)
        if image < group.members.count, !stored.contains(tag) {
          throw broken(index, "pixel (\(y), \(x)) of input \(input) is fetched and was not stored")
        }
        try put(index, transfer.local.row + block * transfer.blockStride + x, tag)
      }
    }
  }

  /// - Parameter isInRows: whether the pixels come from rows, in which they must be.
  private mutating func storeToMemory(_ index: Int, _ store: TileStore, isInRows: Bool) throws {
    let kernel = group.members[index].kernel
    let transfer = store.transfer
    let row = kernel.store.columns * kernel.channels
    for line in 0..<transfer.lines {
      let (y, rest) = (transfer.offset + line * transfer.lineStride).quotientAndRemainder(dividingBy: row)
      let (x, channel) = rest.quotientAndRemainder(dividingBy: kernel.channels)
      for pixel in 0..<transfer.rows {
        let tag = Self.pixel(index, y, x + pixel, channel / dim)
        let place = transfer.local.row + line * transfer.linePitch + pixel
        if isInRows, !held.indices.contains(place) || held[place] != tag {
          throw broken(
            index, "row \(place) of the group does not hold pixel (\(y), \(x + pixel)) of the result any more")
        }
        stored.insert(tag)
      }
    }
  }

  private mutating func store(_ index: Int, _ store: TileStore) throws {
    guard let sums = store.sums, let resident = store.resident else { return }
    for (line, y) in sums.tile.storedRows.enumerated() {
      guard line < store.starts.count else { throw broken(index, "image row \(y) has no place") }
      for (column, x) in sums.tile.storedColumns.enumerated() {
        try put(index, resident.row + store.starts[line] + column, Self.pixel(index, y, x, sums.block))
      }
    }
  }

  private func multiply(_ index: Int, _ products: TileMultiply, _ window: InputWindow) throws {
    let member = group.members[index]
    let terms = products.window - (member.kernel.contraction == nil ? 0 : 1)
    guard terms < member.kernel.identities.count else {
      throw broken(index, "the operator has no window \(products.window)")
    }
    let input = terms < 0 ? member.kernel.contraction!.input! : member.kernel.identities[terms].input
    let image = member.inputs[input].place == .rows ? member.inputs[input].producer! : group.members.count + index
    let tile = products.tile
    for tap in products.taps {
      let (tapRow, tapColumn) = (tap / window.kernelColumns, tap % window.kernelColumns)
      let runs = window.runs(
        rows: tile.rows, columns: tile.columns, tap: tap, plane: products.source.plane, dim: dim, least: 1)
      for block in products.inputBlocks ?? products.blocks {
        let plane = products.sourceRow(input: block)
        for run in runs {
          for pixel in 0..<run.count {
            let (line, column) = (run.result + pixel * window.columnPixels).quotientAndRemainder(
              dividingBy: tile.columns.count)
            let y = window.inputRow(tile.rows.lowerBound + line, tapRow: tapRow)
            let x = window.inputColumn(tile.columns.lowerBound + column, tapColumn: tapColumn)
            let row = plane + run.source + pixel * window.strideColumns
            guard held.indices.contains(row), held[row] == Self.pixel(image, y, x, block) else {
              throw broken(index, "row \(row) of the group does not hold pixel (\(y), \(x)) of an operand any more")
            }
          }
        }
      }
    }
  }
}

extension PreparedKernels {
  /// The rows of a group before its first program.
  func contents(of group: Plan.Group, _ plan: Plan) -> GroupContents {
    GroupContents(
      kernelGroup(group, plan, range(of: group)), from: group.steps.lowerBound, rows: group.rows, dim: target.dim)
  }

  /// Throws where the programs of a group would read something else than they should.
  func checkContents(of group: Plan.Group, _ plan: Plan) throws(PlanViolation) {
    var contents = contents(of: group, plan)
    try contents.check(groupNest(group, kernelGroup(group, plan, range(of: group))))
  }
}
