/// Chains of operators that some optimal schedule runs one right after the other.
///
/// In a chain every operator consumes the only result of the one before, and nothing else that is shared. A schedule that
/// pauses a chain at a tensor may as well pause it at an earlier one that is no larger and no dearer, where the operators
/// between need no more than the one that ends the pause: they run at the end of the pause instead. Or at a later and
/// smaller one, where the operators between need no more than the one before the pause. Each such change makes the tensor
/// smaller, or earlier at the same size, so pauses elsewhere need not be considered.
enum ChainContraction {
  /// Groups of two operators or more, each in order.
  static func groups(of core: ScheduleCore) -> [[Int]] { chains(of: core).flatMap { merged($0, core) } }

  /// Operators each of which consumes what the one before produced for it alone; at least two.
  private static func chains(of core: ScheduleCore) -> [[Int]] {
    var next = [Int?](repeating: nil, count: core.count)
    var isContinued = [Bool](repeating: false, count: core.count)
    func isLink(_ op: Int) -> Bool {
      let operands = core.operators[op].operands
      guard operands.count == 2, let output = operands.first(where: { core.tensors[$0].producer == op }),
        let input = operands.first(where: { $0 != output })
      else { return false }
      return isPassedOn(input)
    }
    func isPassedOn(_ tensor: Int) -> Bool {
      let tensor = core.tensors[tensor]
      return !tensor.isClean && tensor.producer != nil && tensor.touches.count == 2
    }
    for op in core.operators.indices where isLink(op) {
      guard let output = output(of: op, core), isPassedOn(output), let reader = core.tensors[output].touches.last,
        isLink(reader)
      else { continue }
      next[op] = reader
      isContinued[reader] = true
    }
    return core.operators.indices.filter { next[$0] != nil && !isContinued[$0] }.map { first in
      var chain = [first]
      while let following = next[chain[chain.count - 1]] { chain.append(following) }
      return chain
    }
  }

  private static func output(of op: Int, _ core: ScheduleCore) -> Int? {
    core.operators[op].operands.first { core.tensors[$0].producer == op }
  }

  private static func input(of op: Int, _ core: ScheduleCore) -> Int? {
    core.operators[op].operands.first { core.tensors[$0].producer != op }
  }

  /// The parts of a chain between the pauses to be considered, of two operators or more.
  private static func merged(_ chain: [Int], _ core: ScheduleCore) -> [[Int]] {
    // Tensor i lies between the operators i - 1 and i.
    var tensors = chain.compactMap { input(of: $0, core) }
    if let last = output(of: chain[chain.count - 1], core) { tensors.append(last) }
    guard tensors.count == chain.count + 1 else { return [] }
    let sizes = tensors.map { core.tensors[$0].size }
    let bytes = tensors.map { core.tensors[$0].bytes }
    let needs = chain.map { core.footprints[$0] }
    func canPauseBefore(_ pause: Int) -> Bool {
      var need = 0
      for other in (0..<pause).reversed() {
        need = max(need, needs[other])
        if need > needs[pause] { return false }
        if sizes[other] <= sizes[pause], bytes[other] <= bytes[pause] { return true }
      }
      return false
    }
    func canPauseAfter(_ pause: Int) -> Bool {
      var need = 0
      for other in pause + 1...chain.count {
        need = max(need, needs[other - 1])
        if need > needs[pause - 1] { return false }
        if sizes[other] < sizes[pause], bytes[other] <= bytes[pause] { return true }
      }
      return false
    }
    var parts: [[Int]] = []
    var start = 0
    for end in 1...chain.count where end == chain.count || !(canPauseBefore(end) || canPauseAfter(end)) {
      // Operand and result are both counted while a merged operator runs.
      if end - start > 1, sizes[start] + sizes[end] <= (needs[start..<end].max() ?? 0) {
        parts.append(Array(chain[start..<end]))
      }
      start = end
    }
    return parts
  }
}
