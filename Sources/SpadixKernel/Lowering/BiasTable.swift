/// What sums start from, before it is decided how: int32 [row classes, column classes, channels].
struct StartValues {
  var table: [Int32]
  var columnClasses = 1
  var rowClass: [Int] = []
  var columnClass: [Int] = []
  var isUniform = true
  /// Per class, the rows and the columns of taps that are inside the image; and the zero point of the pixels.
  var rowTaps: [[Int]] = []
  var columnTaps: [[Int]] = []
  var zeroPoint: Int8 = 0

  /// The zero point for each tap outside the image, 0 for others: [row classes, column classes, taps].
  func paddingTaps(_ window: InputWindow) -> [Int8] {
    rowTaps.flatMap { rows in
      columnTaps.flatMap { columns in
        (0..<window.taps).map { tap in
          rows.contains(tap / window.kernelColumns) && columns.contains(tap % window.kernelColumns) ? 0 : zeroPoint
        }
      }
    }
  }

  /// The classes of most pixels.
  var mostFrequent: (row: Int, column: Int) {
    func most(_ classes: [Int]) -> Int {
      var counts = [Int](repeating: 0, count: (classes.max() ?? 0) + 1)
      for one in classes { counts[one] += 1 }
      return counts.indices.max { (counts[$0], $1) < (counts[$1], $0) } ?? 0
    }
    return (most(rowClass), most(columnClass))
  }
}

/// Biases with zero points folded in.
extension KernelLowering {
  /// Gives a kernel its scales and what its sums start from.
  ///
  /// Where the store adds biases, they cross DRAM once for each store of a block instead of once for `dim` pixels:
  /// those of most pixels, so that only pixels at the border start from anything but zeros. A store that has one scale
  /// then loads scales as well, which a few pixels are not worth.
  mutating func begin(_ kernel: inout TileKernel, from start: StartValues?, _ name: String) {
    let scales = kernel.store.output.scales
    let isPerChannel = scales.count > 1
    guard let start else {
      if isPerChannel { kernel.store.scaleConstant = constants.add("\(name).scales", float32: scales) }
      return
    }
    var values = start
    let isInStore =
      target.hasOutputBiases && kernel.store.pair == nil && (isPerChannel || kernel.rows * kernel.columns > 2 * dim)
    let base = start.mostFrequent
    if isInStore {
      let first = (base.row * start.columnClasses + base.column) * kernel.channels
      let biases = Array(start.table[first..<first + kernel.channels])
      kernel.store.hasBiases = true
      kernel.store.scaleConstant = constants.add("\(name).scales", outputStage(kernel, scales, biases))
      if start.isUniform { return }
      for index in values.table.indices { values.table[index] &-= biases[index % kernel.channels] }
    } else if isPerChannel {
      kernel.store.scaleConstant = constants.add("\(name).scales", float32: scales)
    }
    kernel.bias = TileKernel.Bias(
      constant: constants.add("\(name).bias", int32: values.table), columnClasses: start.columnClasses,
      rowClass: start.rowClass, columnClass: start.columnClass, isUniform: start.isUniform,
      zeroClass: isInStore ? [base.row, base.column] : [])
    if isInStore, let contraction = kernel.contraction, case .diagonal = contraction.weights,
      start.rowTaps[base.row].count == contraction.window.kernelRows,
      start.columnTaps[base.column].count == contraction.window.kernelColumns
    {
      kernel.bias!.paddingTaps = constants.add(
        "\(name).padding", int8: start.paddingTaps(contraction.window))
    }
  }

  /// Block by block the scales of its channels and behind them their biases.
  private func outputStage(_ kernel: TileKernel, _ scales: [Float], _ biases: [Int32]) -> [UInt8] {
    var words: [UInt32] = []
    for first in stride(from: 0, to: kernel.channels, by: dim) {
      let channels = first..<min(kernel.channels, first + dim)
      words += channels.map { scales[scales.count > 1 ? $0 : 0].bitPattern }
      words += channels.map { UInt32(bitPattern: biases[$0]) }
    }
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
  }

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
    inputZeroPoint: Int32, columnsArePadded: Bool, tapSums: [Int32], extra: (Int) -> Int32
  ) -> StartValues? {
    let base = (0..<outputs).map { (given?[$0] ?? 0) &+ extra($0) }
    if inputZeroPoint == 0 {
      if given == nil && base.allSatisfy({ $0 == 0 }) { return nil }
      return StartValues(table: base)
    }
    let rowClasses = classes(count: rows, taps: contraction.window.kernelRows) { row, tap in
      (0..<contraction.window.inputRows).contains(contraction.window.inputRow(row, tapRow: tap))
    }
    let columnClasses = fromRightToLeft(
      classes(count: columns, taps: contraction.window.kernelColumns) { column, tap in
        columnsArePadded
          || (0..<contraction.window.inputColumns).contains(contraction.window.inputColumn(column, tapColumn: tap))
      })
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
    return StartValues(
      table: table, columnClasses: columnClasses.taps.count, rowClass: rowClasses.ofPosition,
      columnClass: columnClasses.ofPosition,
      isUniform: rowClasses.taps.count == 1 && columnClasses.taps.count == 1, rowTaps: rowClasses.taps,
      columnTaps: columnClasses.taps, zeroPoint: Int8(inputZeroPoint))
  }

  /// Classes of columns in the order in which pixels follow each other from the right border of an image row to the left
  /// one of the next, those between the borders last: so that the start values of neighbours lie at equal distances.
  private static func fromRightToLeft(
    _ classes: (taps: [[Int]], ofPosition: [Int])
  ) -> (taps: [[Int]], ofPosition: [Int]) {
    let middle = classes.taps.indices.max { (classes.taps[$0].count, $1) < (classes.taps[$1].count, $0) }
    guard let middle, let last = classes.ofPosition.lastIndex(of: middle) else { return classes }
    var order: [Int] = []
    for index in classes.ofPosition[(last + 1)...] + classes.ofPosition[...last] where !order.contains(index) {
      order.append(index)
    }
    let number = classes.taps.indices.map { order.firstIndex(of: $0)! }
    return (order.map { classes.taps[$0] }, classes.ofPosition.map { number[$0] })
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
