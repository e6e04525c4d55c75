/// Biases with zero points folded in.
extension KernelLowering {
  static func multiplier(_ multipliers: [Int32], _ channel: Int) -> Int32 {
    multipliers.count == 1 ? multipliers[0] : multipliers[channel]
  }

  /// Sums of the weights over input channels: [taps, outputs].
  static func tapSums(_ weights: [Int8], taps: Int, outputs: Int) -> [Int32] {
    let channels = weights.count / max(1, taps * outputs)
    var sums = [Int32](repeating: 0, count: taps * outputs)
    for tap in 0..<taps {
      for channel in 0..<channels {
        for output in 0..<outputs {
          sums[tap * outputs + output] &+= Int32(weights[(tap * channels + channel) * outputs + output])
        }
      }
    }
    return sums
  }

  /// Start values with the zero points folded in: what a tap inside the image adds for an input of zero point z is
  /// -z * weight, and taps outside add nothing; so pixels near the border start from other values.
  ///
  /// - Parameter columnsArePadded: the columns beside the image hold zero points in DRAM and count as inside.
  static func bias(
    _ given: [Int32]?, outputs: Int, rows: Int, columns: Int, contraction: TileKernel.Contraction,
    inputZeroPoint: Int32, columnsArePadded: Bool, tapSums: [Int32], extra: (Int) -> Int32, name: String,
    pool: inout ConstantPool
  ) -> TileKernel.Bias? {
    let base = (0..<outputs).map { (given?[$0] ?? 0) &+ extra($0) }
    if inputZeroPoint == 0 {
      if given == nil && base.allSatisfy({ $0 == 0 }) { return nil }
      return uniform(base, name, &pool)
    }
    let rowClasses = classes(count: rows, taps: contraction.window.kernelRows) { row, tap in
      (0..<contraction.window.inputRows).contains(contraction.window.inputRow(row, tapRow: tap))
    }
    let columnClasses = classes(count: columns, taps: contraction.window.kernelColumns) { column, tap in
      columnsArePadded
        || (0..<contraction.window.inputColumns).contains(contraction.window.inputColumn(column, tapColumn: tap))
    }
    var table: [Int32] = []
    for rowTaps in rowClasses.taps {
      for columnTaps in columnClasses.taps {
        for output in 0..<outputs {
          var value = base[output]
          for tapRow in rowTaps {
            for tapColumn in columnTaps {
              let tap = tapRow * contraction.window.kernelColumns + tapColumn
              value &-= inputZeroPoint &* tapSums[tap * outputs + output]
            }
          }
          table.append(value)
        }
      }
    }
    return TileKernel.Bias(
      constant: pool.add("\(name).bias", int32: table), columnClasses: columnClasses.taps.count,
      rowClass: rowClasses.ofPosition, columnClass: columnClasses.ofPosition,
      isUniform: rowClasses.taps.count == 1 && columnClasses.taps.count == 1)
  }

  static func uniform(_ values: [Int32], _ name: String, _ pool: inout ConstantPool) -> TileKernel.Bias {
    TileKernel.Bias(
      constant: pool.add("\(name).bias", int32: values), columnClasses: 1, rowClass: [], columnClass: [],
      isUniform: true)
  }

  /// Positions that see the same taps form a class.
  static func classes(
    count: Int, taps: Int, isInside: (Int, Int) -> Bool
  ) -> (taps: [[Int]], ofPosition: [Int]) {
    var all: [[Int]] = []
    var index: [[Int]: Int] = [:]
    var ofPosition: [Int] = []
    for position in 0..<count {
      let inside = (0..<taps).filter { isInside(position, $0) }
      if index[inside] == nil {
        index[inside] = all.count
        all.append(inside)
      }
      ofPosition.append(index[inside]!)
    }
    return (all, ofPosition)
  }
}
