/// The geometry of a batched matrix product.
struct MatrixProductWalk {
  let batches: Int
  let rows: Int
  let depth: Int
  let columns: Int
  private let transposeA: Bool
  private let transposeB: Bool
  private let isSharedB: Bool

  init(a: [Int], b: [Int], transposeA: Bool, transposeB: Bool) {
    self.batches = a.dropLast(2).reduce(1, *)
    self.rows = a[a.count - (transposeA ? 1 : 2)]
    self.depth = a[a.count - (transposeA ? 2 : 1)]
    self.columns = b[b.count - (transposeB ? 2 : 1)]
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.isSharedB = b.count == 2
  }

  /// Operand a as [batches, rows, depth].
  func rowMajorA<Element>(_ values: [Element]) -> [Element] {
    transposeA ? transposed(values, rows: depth, columns: rows) : values
  }

  /// Operand b as [batches or 1, depth, columns].
  func rowMajorB<Element>(_ values: [Element]) -> [Element] {
    transposeB ? transposed(values, rows: columns, columns: depth) : values
  }

  /// Where the matrix b of a batch starts.
  func offsetB(batch: Int) -> Int { isSharedB ? 0 : batch * depth * columns }

  /// Exchanges the last two dimensions [rows, columns].
  private func transposed<Element>(_ values: [Element], rows: Int, columns: Int) -> [Element] {
    var result: [Element] = []
    result.reserveCapacity(values.count)
    for matrix in stride(from: 0, to: values.count, by: rows * columns) {
      for column in 0..<columns {
        for row in 0..<rows { result.append(values[matrix + row * columns + column]) }
      }
    }
    return result
  }
}
