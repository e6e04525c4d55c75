import SpadixISA
import SpadixKernel
import Testing

@testable import SpadixCodegen

/// A rule of tile programs, and an edit of a sound program that breaks it and nothing before it.
private struct BrokenRule: CustomTestStringConvertible, Sendable {
  let id: String
  let edit: String
  /// The case of `emissionCases` whose program is edited.
  var testCase: Int
  var target: Target
  let change: @Sendable (inout TileProgram) -> Void

  var testDescription: String { "\(id): \(edit)" }

  init(
    _ id: String, _ edit: String, in testCase: Int = 1, for target: Target = .spadix,
    _ change: @escaping @Sendable (inout TileProgram) -> Void
  ) {
    self.id = id
    self.edit = edit
    self.testCase = testCase
    self.target = target
    self.change = change
  }
}

extension TileProgram {
  /// Edits the first operation that the change takes.
  fileprivate mutating func editFirst(_ change: (inout TileOperation) -> Bool) {
    for index in operations.indices where change(&operations[index]) { return }
    Issue.record("no operation of the program can be edited so")
  }

  fileprivate mutating func begin(_ change: (inout SumTile) -> Void) {
    editFirst {
      guard case .begin(var tile) = $0 else { return false }
      change(&tile)
      $0 = .begin(tile)
      return true
    }
  }

  fileprivate mutating func load(_ change: (inout TileLoad) -> Void) {
    editFirst {
      guard case .load(var load) = $0 else { return false }
      change(&load)
      $0 = .load(load)
      return true
    }
  }

  fileprivate mutating func multiply(_ change: (inout TileMultiply) -> Void) {
    editFirst {
      guard case .multiply(var product) = $0 else { return false }
      change(&product)
      $0 = .multiply(product)
      return true
    }
  }

  fileprivate mutating func store(_ change: (inout TileStore) -> Void) {
    editFirst {
      guard case .store(var store) = $0 else { return false }
      change(&store)
      $0 = .store(store)
      return true
    }
  }

  fileprivate mutating func remove(_ isFound: (TileOperation) -> Bool) {
    guard let index = operations.firstIndex(where: isFound) else {
      Issue.record("the program has no such operation")
      return
    }
    operations.remove(at: index)
  }
}

private let brokenRules = [
  BrokenRule("tiles.buffer", "more rows than the memory") { $0.buffers[0].rows = 1 << 20 },
  BrokenRule("tiles.buffer", "a product reads sums") { program in
    let sums = program.buffers.firstIndex { $0.contents == .sums }!
    program.multiply { $0.weights.place.buffer = BufferID(sums) }
  },
  BrokenRule("tiles.sums", "no buffer of sums") { program in
    program.buffers[program.buffers.firstIndex { $0.contents == .sums }!].contents = .pixels
  },
  BrokenRule("tiles.sums", "a scale of zero") { $0.sums!.store.output.scales = [0] },
  BrokenRule("tiles.sums", "a zero point without an output stage", for: .gemmini) {
    $0.sums!.store.output.zeroPoint = 3
  },
  BrokenRule("tiles.pooling", "a window of four", in: 6) { $0.sums!.store.pooling!.window = 4 },
  BrokenRule("tiles.pooling", "one line less than the tile", in: 6) { $0.store { $0.transfer.lines -= 1 } },
  BrokenRule("tiles.biases", "a row without a class", in: 2, for: .gemmini) { $0.sums!.bias!.rowClass.removeLast() },
  BrokenRule("tiles.biases", "no biases") { program in
    program.sums!.bias = nil
    if !program.operations.contains(where: { if case .bias = $0 { true } else { false } }) {
      let begin = program.operations.firstIndex { if case .begin = $0 { true } else { false } }!
      guard case .begin(let tile) = program.operations[begin] else { return }
      program.operations.insert(.bias(TileBias(tile: tile)), at: begin + 1)
    }
  },
  BrokenRule("tiles.operand", "an input that the operator does not have") { $0.reads.append(7) },
  BrokenRule("tiles.operand", "an input that is not declared") { $0.reads = [] },
  BrokenRule("tiles.operand", "behind the operand's last byte") { $0.load { $0.transfer.offset = 1 << 40 } },
  BrokenRule("tiles.operand", "a result that is not declared") { $0.writes = false },
  BrokenRule("tiles.window", "a window that there is not") { $0.multiply { $0.window = 9 } },
  BrokenRule("tiles.window", "a tap behind the last") { $0.multiply { $0.taps = 0..<99 } },
  BrokenRule("tiles.tile", "rows behind the image's last") { $0.begin { $0.rows = 0..<$0.rows.upperBound + 99 } },
  BrokenRule("tiles.tile", "nothing") { $0.begin { $0.columns = 0..<0 } },
  BrokenRule("tiles.tile", "a product of blocks of another tile") { $0.multiply { $0.blocks = 0..<99 } },
  BrokenRule("tiles.tile", "a store that names no block") { $0.store { $0.sums = nil } },
  BrokenRule("tiles.transfer", "a load of no lines") { $0.load { $0.transfer.lines = 0 } },
  BrokenRule("tiles.transfer", "a store of no rows") { $0.store { $0.transfer.rows = 0 } },
  BrokenRule("tiles.transfer", "an addition to pixels") { $0.load { $0.adds = true } },
  BrokenRule("tiles.resident", "no store to the scratchpad", for: .gemmini) { program in
    program.store { $0.resident = LocalPlace(BufferID(0), slot: 0, row: 0) }
  },
  BrokenRule("tiles.slot", "a slot behind the last") { $0.begin { $0.slot = 99 } },
  BrokenRule("tiles.slot", "weights of a product over nothing") { program in
    program.multiply {
      $0.inputBlocks = 0..<0
      $0.weights.place.slot = 99
    }
  },
  BrokenRule("tiles.slot", "a row behind the buffer's last") { $0.load { $0.transfer.local.row = 1 << 20 } },
  BrokenRule("tiles.unloaded", "a load is missing") { $0.remove { if case .load = $0 { true } else { false } } },
  BrokenRule("tiles.unstarted", "a tap at the border starts the sums") { program in
    program.multiply {
      $0.taps = 0..<9
      $0.startTap = 0
    }
  },
  BrokenRule("tiles.host", "a host step among others") { $0.operations.append(.host) },
]

@Test("Every rule of tile programs refuses what breaks it", arguments: brokenRules)
private func brokenRulesAreNamed(_ rule: BrokenRule) throws {
  let (kernels, _, plan) = try prepare(emissionCases[rule.testCase], rule.target)
  let constantBytes = kernels.constantSizes(of: plan)
  func verify(_ program: TileProgram) throws(TileVerifier.Violation) {
    try TileVerifier.verify(program, target: rule.target) { operand in
      switch operand {
      case .constant(let constant): constantBytes[constant.index]
      case .input(let index): index < 2 ? 1 << 30 : nil
      case .output: 1 << 30
      }
    }
  }
  var program = try #require(kernels.tileSections(plan).first?.first).program
  try verify(program)
  rule.change(&program)
  let violation = #expect(throws: TileVerifier.Violation.self) { try verify(program) }
  #expect(violation?.id == rule.id, "\(violation.map(String.init(describing:)) ?? "")")
}
