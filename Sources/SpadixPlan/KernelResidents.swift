/// A choice of the tensors that stay between two touches, made before the variants: the most saved bytes for the price of
/// the rows first, as long as the rows of all steps hold them.
struct KernelResidents {
  /// By step, then position in its touched tensors: whether the tensor is to stay until its next touch.
  private(set) var stays: [[Bool]]

  init(_ steps: KernelSteps, _ costs: KernelCosts, prices: KernelPrices) {
    stays = steps.steps.map { [Bool](repeating: false, count: $0.touched.count) }
    var rows = RowProfile(steps.steps.indices.map { steps.capacity - costs.mostRows[$0] })
    let gaps = costs.gaps
    let ratios = gaps.map { Double($0.cost) / max(1e-3, prices.rent(of: $0)) }
    // By tensor and step, where a gap that stays ends or begins: the tensor takes its rows once in that step.
    var isHeld = stays
    for index in gaps.indices.sorted(by: { (ratios[$0], $1) > (ratios[$1], $0) }) {
      let gap = gaps[index]
      guard gap.cost > 0, gap.canStay else { continue }
      let first = isHeld[gap.first][gap.firstPosition] ? gap.first + 1 : gap.first
      let last = isHeld[gap.last][gap.lastPosition] ? gap.last - 1 : gap.last
      if first <= last, rows.least(first...last) < gap.rows { continue }
      if first <= last { rows.take(gap.rows, in: first...last) }
      isHeld[gap.first][gap.firstPosition] = true
      isHeld[gap.last][gap.lastPosition] = true
      stays[gap.first][gap.firstPosition] = true
    }
  }
}

/// Free rows by step: the least in a range and less of them in a range, each in logarithmic time.
private struct RowProfile {
  /// A tree over the steps: the least of each node's steps, without what was taken from ancestors as a whole.
  private var least: [Int]
  private var taken: [Int]
  private let leaves: Int

  init(_ rows: [Int]) {
    var size = 1
    while size < rows.count { size *= 2 }
    leaves = size
    least = [Int](repeating: Int.max / 2, count: 2 * size)
    taken = [Int](repeating: 0, count: 2 * size)
    for (step, value) in rows.enumerated() { least[size + step] = value }
    for node in stride(from: size - 1, to: 0, by: -1) { least[node] = min(least[2 * node], least[2 * node + 1]) }
  }

  func least(_ range: ClosedRange<Int>) -> Int { least(range, 1, 0..<leaves) }

  private func least(_ range: ClosedRange<Int>, _ node: Int, _ span: Range<Int>) -> Int {
    if span.upperBound <= range.lowerBound || range.upperBound < span.lowerBound { return Int.max / 2 }
    if range.lowerBound <= span.lowerBound && span.upperBound - 1 <= range.upperBound { return least[node] }
    let middle = (span.lowerBound + span.upperBound) / 2
    return min(
      least(range, 2 * node, span.lowerBound..<middle), least(range, 2 * node + 1, middle..<span.upperBound))
      - taken[node]
  }

  mutating func take(_ rows: Int, in range: ClosedRange<Int>) { take(rows, range, 1, 0..<leaves) }

  private mutating func take(_ rows: Int, _ range: ClosedRange<Int>, _ node: Int, _ span: Range<Int>) {
    if span.upperBound <= range.lowerBound || range.upperBound < span.lowerBound { return }
    if range.lowerBound <= span.lowerBound && span.upperBound - 1 <= range.upperBound {
      least[node] -= rows
      taken[node] += rows
      return
    }
    let middle = (span.lowerBound + span.upperBound) / 2
    take(rows, range, 2 * node, span.lowerBound..<middle)
    take(rows, range, 2 * node + 1, middle..<span.upperBound)
    least[node] = min(least[2 * node], least[2 * node + 1]) - taken[node]
  }
}
