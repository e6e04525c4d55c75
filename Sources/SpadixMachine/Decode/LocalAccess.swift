import SpadixISA
import SpadixSupport

/// Rows of local memory that one step reads or writes.
struct LocalAccess {
  var name: String
  var isAccumulator: Bool
  var row: Int
  var rows: Int
  var stride: Int

  var memory: String { isAccumulator ? "accumulator" : "scratchpad" }

  var each: [Int] { (0..<rows).map { row + $0 * stride } }

  var text: String {
    if rows == 1 || stride == 0 { return "\(memory) row \(row)" }
    let step = stride == 1 ? "" : " by \(stride)"
    return "\(memory) rows \(row)...\(row + (rows - 1) * stride)\(step)"
  }
}

extension DecodedCommand {
  /// What the step reads, in the order of its operands.
  func reads(_ configuration: StoreConfiguration, dim: Int) -> [LocalAccess] {
    switch kind {
    case .load:
      return flags.contains(.accumulate) ? blocks("adds to", dim: dim, stride: Int(aStride)) : []
    case .store, .storeScratchpad:
      if flags.contains(.pooled), let pooling = configuration.pooling {
        return [
          LocalAccess(
            name: "image", isAccumulator: flags.contains(.accumulator), row: Int(a.row), rows: pooling.pixelsRead,
            stride: 1)
        ]
      }
      return blocks("source", dim: dim, stride: dim)
    case .loadScales, .loadTable, .fence: return []
    case .compute:
      var found: [LocalAccess] = []
      func add(_ name: String, _ tile: Tile, transposed: Bool, stride: Int) {
        let rows = Int(transposed ? tile.columns : tile.rows)
        if tile.isGarbage || rows == 0 { return }
        found.append(LocalAccess(name: name, isAccumulator: false, row: Int(tile.row), rows: rows, stride: stride))
      }
      let outputStationary = flags.contains(.outputStationary)
      let transposesB = flags.contains(.transposeB)
      add("A", a, transposed: flags.contains(.transposeA), stride: Int(aStride))
      if flags.contains(.loadArray) {
        add(outputStationary ? "D" : "weights", b, transposed: transposesB && !outputStationary, stride: 1)
      }
      add(outputStationary ? "B" : "D", d, transposed: transposesB && outputStationary, stride: 1)
      if flags.contains(.accumulate) && !c.isGarbage {
        found.append(
          LocalAccess(name: "adds to", isAccumulator: true, row: Int(c.row), rows: Int(c.rows), stride: Int(cStride)))
      }
      return found
    }
  }

  func writes(dim: Int) -> [LocalAccess] {
    switch kind {
    case .load:
      var found = blocks("destination", dim: dim, stride: Int(aStride))
      let before = min(max(Int(small) - 1, 0), Int(a.row))
      if before > 0 {
        found.append(
          LocalAccess(
            name: "pixels", isAccumulator: flags.contains(.accumulator), row: Int(a.row) - before, rows: before,
            stride: 1))
      }
      return found
    case .storeScratchpad:
      return [
        LocalAccess(
          name: "destination", isAccumulator: false, row: Int(c.row), rows: Int(c.rows), stride: Int(cStride))
      ]
    case .compute:
      if c.isGarbage || c.rows == 0 { return [] }
      return [
        LocalAccess(
          name: "result", isAccumulator: flags.contains(.accumulator), row: Int(c.row), rows: Int(c.rows),
          stride: Int(cStride))
      ]
    case .store, .loadScales, .loadTable, .fence: return []
    }
  }

  private func blocks(_ name: String, dim: Int, stride: Int) -> [LocalAccess] {
    let count = ceilDivide(Int(a.columns), dim)
    return (0..<count).map {
      LocalAccess(
        name: name, isAccumulator: flags.contains(.accumulator), row: Int(a.row) + $0 * stride, rows: Int(a.rows),
        stride: 1)
    }
  }
}
