import SpadixSupport

/// A scheduling problem reduced to what the searches need: operators and the tensors that more than one of them
/// touches.
///
/// A tensor that a single operator touches only adds to that operator's footprint. Operators are in a legal order.
struct ScheduleCore {
  struct Tensor {
    /// Index in the problem.
    var original: Int
    var size: Int
    var bytes: Int
    /// Whether DRAM holds it whatever happens, so that dropping it costs no store.
    var isClean: Bool
    /// The operator that produces it; nil when it is there from the start.
    var producer: Int?
    /// All operators that touch it, its producer included, ascending.
    var touches: [Int]
  }

  struct Operator {
    /// Index in the problem; nil for the operator that stands for what ran before a block.
    var original: Int?
    /// Size of the tensors that only this operator touches, less that of operands which its result is written over: then it
    /// may be negative.
    var privateSize: Int
    /// Tensors that it touches, ascending.
    var operands: [Int]
    var predecessors: [Int]
    var successors: [Int]
  }

  var tensors: [Tensor]
  var operators: [Operator]
  /// Size of everything that an operator touches.
  var footprints: [Int]

  var count: Int { operators.count }

  /// The largest footprint: no schedule exists below this capacity.
  var smallestCapacity: Int { footprints.max() ?? 0 }

  /// The same problem where a part of a capacity stays free beside every operator that leaves so much; what a schedule
  /// for it does can be done in all of the capacity, where its pieces have room to fit around each other.
  func leaving(percent: Int, of capacity: Int) -> ScheduleCore {
    leaving([Int](repeating: capacity * percent / 100, count: count), of: capacity)
  }

  /// The same with room of its own for each operator.
  func leaving(_ room: [Int], of capacity: Int) -> ScheduleCore {
    var result = self
    for op in operators.indices {
      let free = max(0, min(capacity - footprints[op], room[op]))
      result.operators[op].privateSize += free
      result.footprints[op] += free
    }
    return result
  }

  /// The same problem where tensors smaller than a size take no room and move for nothing: no schedule costs more. Nil
  /// when that are none or all of them.
  func leavingOut(smallerThan size: Int) -> ScheduleCore? {
    var result = self
    for index in tensors.indices where tensors[index].size < size {
      for op in tensors[index].touches { result.footprints[op] -= tensors[index].size }
      (result.tensors[index].size, result.tensors[index].bytes) = (0, 0)
    }
    let moves = result.tensors.count { $0.bytes > 0 }
    return moves == 0 || moves == tensors.count(where: { $0.bytes > 0 }) ? nil : result
  }

  init(_ problem: ScheduleProblem, scope: ScheduleProblem.Scope) {
    let sources = problem.tensors.indices.map { index -> Source in
      let tensor = problem.tensors[index]
      return Source(
        original: index, size: tensor.size, bytes: tensor.bytes, isClean: tensor.kind != .activation, producer: nil)
    }
    var producers = [Int?](repeating: nil, count: problem.tensors.count)
    for (number, op) in problem.operators.enumerated() {
      for tensor in op.outputs { producers[tensor.index] = number }
    }
    self.init(
      tensors: sources, producers: producers,
      operators: problem.operators.enumerated().map { number, op in
        (
          original: number, privateSize: -op.overwritten.reduce(0) { $0 + problem.tensors[$1].size },
          operands: problem.operands(of: op, in: scope).map(\.index)
        )
      })
  }

  private struct Source {
    var original: Int
    var size: Int
    var bytes: Int
    var isClean: Bool
    var producer: Int?
  }

  private init(
    tensors sources: [Source], producers: [Int?],
    operators list: [(original: Int?, privateSize: Int, operands: [Int])]
  ) {
    var touches = [[Int]](repeating: [], count: sources.count)
    for (number, op) in list.enumerated() {
      for tensor in op.operands { touches[tensor].append(number) }
    }
    var newIndex = [Int?](repeating: nil, count: sources.count)
    tensors = []
    for (index, source) in sources.enumerated() where touches[index].count > 1 {
      newIndex[index] = tensors.count
      tensors.append(
        Tensor(
          original: source.original, size: source.size, bytes: source.bytes, isClean: source.isClean,
          producer: producers[index], touches: touches[index]))
    }
    operators = list.map { op in
      var privateSize = op.privateSize
      var operands: [Int] = []
      for tensor in op.operands {
        if let index = newIndex[tensor] { operands.append(index) } else { privateSize += sources[tensor].size }
      }
      return Operator(
        original: op.original, privateSize: privateSize, operands: operands.sorted(), predecessors: [], successors: [])
    }
    for tensor in tensors {
      guard let producer = tensor.producer else { continue }
      for reader in tensor.touches where reader != producer && operators[producer].successors.last != reader {
        if !operators[producer].successors.contains(reader) {
          operators[producer].successors.append(reader)
          operators[reader].predecessors.append(producer)
        }
      }
    }
    for index in operators.indices {
      operators[index].successors.sort()
      operators[index].predecessors.sort()
    }
    footprints = []
    for op in operators {
      footprints.append(op.privateSize + op.operands.reduce(0) { $0 + tensors[$1].size })
    }
  }

  /// The part that consists of some operators, ascending; what others produce is there from the start, clean.
  ///
  /// With `afterFirst`, the first operator stands only for its results: it is the end of the block before.
  func restricted(to kept: [Int], afterFirst: Bool = false) -> ScheduleCore {
    var position = [Int?](repeating: nil, count: operators.count)
    for (number, op) in kept.enumerated() { position[op] = number }
    let producers = tensors.map { tensor in tensor.producer.flatMap { position[$0] } }
    let sources = tensors.indices.map { index -> Source in
      let tensor = tensors[index]
      return Source(
        original: tensor.original, size: tensor.size, bytes: tensor.bytes,
        isClean: tensor.isClean || producers[index] == nil, producer: nil)
    }
    return ScheduleCore(
      tensors: sources, producers: producers,
      operators: kept.enumerated().map { number, op in
        let isResultsOnly = afterFirst && number == 0
        return (
          original: operators[op].original, privateSize: isResultsOnly ? 0 : operators[op].privateSize,
          operands: operators[op].operands.filter { !isResultsOnly || tensors[$0].producer == op }
        )
      })
  }

  /// The part that consists of some operators, ascending, and of some tensors; others only take room while an operator
  /// touches them. What others produce is there from the start, clean. Operators wait for each other as in the whole.
  ///
  /// - Parameter ancestors: of all operators.
  func window(_ kept: [Int], movesTensor: (Int) -> Bool, _ ancestors: [Bitset]) -> ScheduleCore {
    var position = [Int: Int](minimumCapacity: kept.count)
    for (number, op) in kept.enumerated() { position[op] = number }
    var numbers: [Int: Int] = [:]
    var sources: [Source] = []
    var producers: [Int?] = []
    let list = kept.map { op -> (original: Int?, privateSize: Int, operands: [Int]) in
      var privateSize = operators[op].privateSize
      var operands: [Int] = []
      for index in operators[op].operands {
        guard movesTensor(index) else {
          privateSize += tensors[index].size
          continue
        }
        if numbers[index] == nil {
          let tensor = tensors[index]
          let producer = tensor.producer.flatMap { position[$0] }
          numbers[index] = sources.count
          sources.append(
            Source(
              original: tensor.original, size: tensor.size, bytes: tensor.bytes,
              isClean: tensor.isClean || producer == nil, producer: nil))
          producers.append(producer)
        }
        operands.append(numbers[index] ?? 0)
      }
      return (original: operators[op].original, privateSize: privateSize, operands: operands)
    }
    var result = ScheduleCore(tensors: sources, producers: producers, operators: list)
    for number in kept.indices {
      // The last ones that it waits for, and not what these wait for.
      var covered = Bitset(kept.count)
      var predecessors: [Int] = []
      for other in (0..<number).reversed()
      where !covered.contains(other) && ancestors[kept[number]].contains(kept[other]) {
        predecessors.append(other)
        for earlier in 0..<other where ancestors[kept[other]].contains(kept[earlier]) { covered.insert(earlier) }
      }
      result.operators[number].predecessors = predecessors.reversed()
    }
    for number in kept.indices { result.operators[number].successors = [] }
    for number in kept.indices {
      for predecessor in result.operators[number].predecessors {
        result.operators[predecessor].successors.append(number)
      }
    }
    return result
  }

  /// The core with operators replaced by groups of them that run without a break, in the order given.
  /// What lies between the members of a group only counts for the most that any of them needs.
  func replacing(_ groups: [[Int]]) -> ScheduleCore {
    var groupOf = [Int](repeating: 0, count: count)
    for (number, group) in groups.enumerated() {
      for op in group { groupOf[op] = number }
    }
    let isInside = tensors.map { tensor in Set(tensor.touches.map { groupOf[$0] }).count == 1 }
    return ScheduleCore(
      tensors: tensors.map {
        Source(original: $0.original, size: $0.size, bytes: $0.bytes, isClean: $0.isClean, producer: nil)
      }, producers: tensors.map { tensor in tensor.producer.map { groupOf[$0] } },
      operators: groups.map { group in
        if group.count == 1 {
          return (
            original: operators[group[0]].original, privateSize: operators[group[0]].privateSize,
            operands: operators[group[0]].operands
          )
        }
        let operands = Set(group.flatMap { operators[$0].operands }).filter { !isInside[$0] }.sorted()
        let need = group.reduce(0) { max($0, footprints[$1]) }
        return (
          original: nil, privateSize: need - operands.reduce(0) { $0 + tensors[$1].size }, operands: operands
        )
      })
  }

  /// For each operator the set of those that must run before it.
  func ancestors() -> [Bitset] {
    var sets = [Bitset](repeating: Bitset(count), count: count)
    for (index, op) in operators.enumerated() {
      for predecessor in op.predecessors {
        sets[index].formUnion(sets[predecessor])
        sets[index].insert(predecessor)
      }
    }
    return sets
  }

  /// Whether a tensor is live beside an operator that does not touch it, in every order.
  func isLive(_ tensor: Tensor, beside op: Int, _ ancestors: [Bitset]) -> Bool {
    tensor.touches.contains { ancestors[op].contains($0) } && tensor.touches.contains { ancestors[$0].contains(op) }
      && !tensor.touches.contains(op)
  }

  /// Whether a tensor may be live beside an operator that does not touch it, in some order.
  func mayBeLive(_ tensor: Tensor, beside op: Int, _ ancestors: [Bitset]) -> Bool {
    if tensor.touches.contains(op) { return false }
    if let producer = tensor.producer, ancestors[producer].contains(op) { return false }
    return tensor.touches.contains { !ancestors[$0].contains(op) }
      && tensor.touches.contains { !ancestors[op].contains($0) }
  }

  /// The blocks between operators that every other one precedes or follows and after which only their results are live.
  ///
  /// Each block lists its operators, ascending; all but the first begin with the last operator of the one before.
  func blocks() -> [[Int]] {
    guard count > 0 else { return [] }
    var last = [Int](repeating: -1, count: tensors.count)
    var first = [Int](repeating: 0, count: tensors.count)
    for (index, tensor) in tensors.enumerated() {
      first[index] = tensor.touches.first ?? 0
      last[index] = tensor.touches.last ?? -1
    }
    // Tensors, other than its own results, that some earlier or equal operator touches and some later one too.
    var crossing = [Int](repeating: 0, count: count + 1)
    for index in tensors.indices where first[index] < last[index] {
      let start = tensors[index].producer == first[index] ? first[index] + 1 : first[index]
      if start < last[index] {
        crossing[start] += 1
        crossing[last[index]] -= 1
      }
    }
    let ancestors = self.ancestors()
    var descendants = [Int](repeating: 0, count: count)
    for set in ancestors {
      set.forEach { descendants[$0] += 1 }
    }
    var result: [[Int]] = []
    var start = 0
    var live = 0
    for index in 0..<count {
      live += crossing[index]
      let isOrdered = ancestors[index].population == index && descendants[index] == count - 1 - index
      if index == count - 1 || (live == 0 && isOrdered && index > start) {
        result.append(Array(start...index))
        start = index
      }
    }
    return result
  }
}

/// A set of small integers.
struct Bitset: Hashable {
  private(set) var words: [UInt64]

  init(_ capacity: Int) { words = [UInt64](repeating: 0, count: ceilDivide(capacity, 64)) }

  func contains(_ element: Int) -> Bool { words[element >> 6] >> UInt64(element & 63) & 1 != 0 }

  mutating func insert(_ element: Int) { words[element >> 6] |= 1 << UInt64(element & 63) }

  mutating func formUnion(_ other: Bitset) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  func isDisjoint(with other: ArraySlice<UInt64>) -> Bool { !zip(words, other).contains { $0 & $1 != 0 } }

  var population: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  func forEach(_ body: (Int) -> Void) {
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        body(index << 6 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }
}
