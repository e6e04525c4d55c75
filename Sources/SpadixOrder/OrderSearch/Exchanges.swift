/// Parts of a core that can change places without changing it: equal experts, heads, tiles.
///
/// As long as neither of two such parts has begun, and what they will read is there alike, every schedule has a mirror image
/// in which they have changed places, at the same cost. So the part that comes first may as well begin first.
struct Exchanges {
  /// Operators and tensors that change places, in pairs; all others stay.
  struct Exchange {
    /// Bit per operator that moves.
    var moving: Bitset
    /// For each operator its partner, itself where it stays.
    var partner: [Int]
    /// The smaller number of a pair first.
    var tensors: [(Int, Int)]
  }

  let all: [Exchange]

  /// Larger parts, and more of them, are not looked for.
  private static let largestPart = 128
  private static let attemptLimit = 2_000
  private static let exchangeLimit = 64
  private static let partnerLimit = 8

  init(_ core: ScheduleCore) {
    let finder = Finder(core)
    var found: [Exchange] = []
    var attempts = 0
    var members: [[Int]] = []
    for op in core.operators.indices {
      let color = finder.colorOfOperator[op]
      while members.count <= color { members.append([]) }
      for other in members[color].suffix(Self.partnerLimit).reversed() {
        if found.count == Self.exchangeLimit || attempts == Self.attemptLimit { break }
        if found.contains(where: { $0.partner[op] < op }) { break }
        attempts += 1
        if let exchange = finder.exchange(other, op, largest: Self.largestPart) { found.append(exchange) }
      }
      members[color].append(op)
    }
    all = found
  }

  private struct Finder {
    let core: ScheduleCore
    /// Operators of different colors cannot change places; nor can tensors.
    private(set) var colorOfOperator: [Int]
    private var colorOfTensor: [Int]

    init(_ core: ScheduleCore) {
      self.core = core
      colorOfOperator = Self.colors(core.operators.map { [$0.privateSize] })
      colorOfTensor = Self.colors(
        core.tensors.map { [$0.size, $0.bytes, $0.isClean ? 1 : 0, $0.producer == nil ? 1 : 0] })
      var count = 0
      while true {
        let ofTensors = colorOfTensor
        colorOfOperator = Self.colors(
          core.operators.enumerated().map { op, node in
            [colorOfOperator[op]]
              + node.operands.map { 2 * ofTensors[$0] + (core.tensors[$0].producer == op ? 1 : 0) }.sorted()
          })
        let ofOperators = colorOfOperator
        colorOfTensor = Self.colors(
          core.tensors.enumerated().map { index, tensor in
            [colorOfTensor[index], tensor.producer.map { ofOperators[$0] } ?? -1]
              + tensor.touches.map { ofOperators[$0] }.sorted()
          })
        let classes = (colorOfOperator.max() ?? 0) + (colorOfTensor.max() ?? 0)
        if classes == count { break }
        count = classes
      }
    }

    /// Numbers for what differs, in the order of first appearance.
    private static func colors(_ descriptions: [[Int]]) -> [Int] {
      var known: [[Int]: Int] = [:]
      return descriptions.map { description in
        if let color = known[description] { return color }
        known[description] = known.count
        return known.count - 1
      }
    }

    /// The exchange that moves one operator to the place of another and what has to move with them; nil when there is none
    /// of that size, or it was not found.
    func exchange(_ one: Int, _ other: Int, largest: Int) -> Exchange? {
      var partner = Array(core.operators.indices)
      var partnerOfTensor = Array(core.tensors.indices)
      var queue: [(Int, Int)] = [(one, other)]
      (partner[one], partner[other]) = (other, one)
      var moved = 2
      var tensors: [(Int, Int)] = []
      while let (first, second) = queue.popLast() {
        guard
          let pairs = Self.pairs(
            core.operators[first].operands, core.operators[second].operands, colorOfTensor, partnerOfTensor)
        else { return nil }
        for (tensor, image) in pairs {
          (partnerOfTensor[tensor], partnerOfTensor[image]) = (image, tensor)
          tensors.append((min(tensor, image), max(tensor, image)))
          guard
            let touches = Self.pairs(
              core.tensors[tensor].touches, core.tensors[image].touches, colorOfOperator, partner)
          else { return nil }
          for (touch, imageOfTouch) in touches {
            (partner[touch], partner[imageOfTouch]) = (imageOfTouch, touch)
            queue.append((touch, imageOfTouch))
            moved += 2
          }
          if moved > 2 * largest { return nil }
        }
      }
      // It was put together along the way, and may not fit as a whole.
      for (index, tensor) in core.tensors.enumerated() {
        let image = core.tensors[partnerOfTensor[index]]
        if tensor.producer.map({ partner[$0] }) != image.producer
          || tensor.touches.map({ partner[$0] }).sorted() != image.touches
        {
          return nil
        }
      }
      var moving = Bitset(core.count)
      for (op, node) in core.operators.enumerated() where partner[op] != op {
        // Operators may wait for others without reading what they make.
        if node.predecessors.map({ partner[$0] }).sorted() != core.operators[partner[op]].predecessors { return nil }
        moving.insert(op)
      }
      return Exchange(moving: moving, partner: partner, tensors: tensors.sorted { $0 < $1 })
    }

    /// Pairs of what only the one list and what only the other has, of equal colors, in ascending order; those that have
    /// partners already are left out. Nil when that does not come out even.
    private static func pairs(
      _ first: [Int], _ second: [Int], _ color: [Int], _ partner: [Int]
    ) -> [(Int, Int)]? {
      let ofFirst = first.filter { !second.contains($0) }
      let ofSecond = second.filter { !first.contains($0) }
      guard ofFirst.count == ofSecond.count, ofFirst.allSatisfy({ partner[$0] == $0 || ofSecond.contains(partner[$0]) })
      else { return nil }
      let byColor: (Int, Int) -> Bool = { (color[$0], $0) < (color[$1], $1) }
      let left = ofFirst.filter { partner[$0] == $0 }.sorted(by: byColor)
      let right = ofSecond.filter { partner[$0] == $0 }.sorted(by: byColor)
      guard left.count == right.count, zip(left, right).allSatisfy({ color[$0] == color[$1] }) else { return nil }
      return Array(zip(left, right))
    }
  }
}
