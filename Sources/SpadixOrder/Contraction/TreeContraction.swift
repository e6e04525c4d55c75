/// Operators and what grows from a result of theirs, which some optimal schedule runs right after them.
///
/// Each operator of the tree has one operand, from the tree, which nothing outside of it reads. Where the leaves below
/// every tensor are no larger and no dearer together than the tensor, a schedule that has run part of the tree keeps or
/// stores at least as much as if it had run all of it: a leaf may be where the tensor above it is. So the tree may as well
/// run at once, when it needs no more than the operator it grows from did.
enum TreeContraction {
  /// Groups of two operators or more, each in order.
  static func groups(of core: ScheduleCore) -> [[Int]] {
    var isTaken = [Bool](repeating: false, count: core.count)
    var groups: [[Int]] = []
    for op in core.operators.indices where !isTaken[op] {
      var group = [op]
      for output in core.operators[op].operands where core.tensors[output].producer == op {
        let tree = Tree(from: output, core)
        if !tree.operators.isEmpty, fits(tree, from: output, of: group, core) { group += tree.operators }
      }
      if group.count > 1 {
        groups.append(group)
        for member in group { isTaken[member] = true }
      }
    }
    return groups
  }

  private struct Tree {
    var operators: [Int] = []
    var leaves: [Int] = []

    /// The tree below a tensor; only the tensor when growing would make it larger.
    init(from tensor: Int, _ core: ScheduleCore) {
      leaves = [tensor]
      let root = core.tensors[tensor]
      let readers = root.touches.filter { $0 != root.producer }
      guard !root.isClean, root.producer != nil, !readers.isEmpty else { return }
      var operators: [Int] = []
      var leaves: [Int] = []
      for reader in readers {
        operators.append(reader)
        for operand in core.operators[reader].operands where operand != tensor {
          guard core.tensors[operand].producer == reader else { return }
          let branch = Tree(from: operand, core)
          operators += branch.operators
          leaves += branch.leaves
        }
      }
      guard leaves.reduce(0, { $0 + core.tensors[$1].size }) <= root.size,
        leaves.reduce(0, { $0 + core.tensors[$1].bytes }) <= root.bytes
      else { return }
      // Every split before what grows from it, so that a tensor goes as early as it can.
      self.operators = readers + operators.filter { !readers.contains($0) }
      self.leaves = leaves
    }
  }

  /// Whether a tree can run in the place of the first operator of a group, which has grown from other results already.
  private static func fits(_ tree: Tree, from root: Int, of group: [Int], _ core: ScheduleCore) -> Bool {
    let members = Set(group + tree.operators)
    let first = group[0]
    // What the first operator needs is free for the tree, but for operands that others need too.
    let need = core.footprints[first]
    var live = 0
    for operand in core.operators[first].operands {
      let tensor = core.tensors[operand]
      let isPassedOn = tensor.producer != nil && tensor.producer != first && tensor.touches.count == 2
      if !isPassedOn { live += tensor.size }
    }
    var alive = Set(core.operators[first].operands.filter { core.tensors[$0].producer == first })
    var done: Set<Int> = [first]
    for op in group.dropFirst() + tree.operators {
      let results = core.operators[op].operands.filter { core.tensors[$0].producer == op }
      live += results.reduce(0) { $0 + core.tensors[$1].size }
      if live + core.operators[op].privateSize > need { return false }
      alive.formUnion(results)
      done.insert(op)
      for tensor in alive where core.tensors[tensor].touches.allSatisfy({ done.contains($0) }) {
        alive.remove(tensor)
        live -= core.tensors[tensor].size
      }
    }
    // Operands and results are all counted while a merged operator runs.
    var outside: Set<Int> = []
    for op in members {
      for operand in core.operators[op].operands
      where !core.tensors[operand].touches.allSatisfy({ members.contains($0) }) { outside.insert(operand) }
    }
    return outside.reduce(0) { $0 + core.tensors[$1].size } <= need
  }
}
