import SpadixTensor

/// Operators that move elements and do not compute.
enum Movement {
  static func concatenate(_ operands: [Tensor], axis: Int, _ type: TensorType) -> Tensor {
    let rank = type.rank
    let axis = axis < 0 ? axis + rank : axis
    let outer = type.shape[..<axis].reduce(1, *)
    let runs = operands.map { $0.type.shape[axis...].reduce(1, *) }
    func joined<Element>(_ values: [[Element]]) -> [Element] {
      var result: [Element] = []
      result.reserveCapacity(type.elementCount)
      for index in 0..<outer {
        for (operand, run) in zip(values, runs) { result += operand[(index * run)..<((index + 1) * run)] }
      }
      return result
    }
    switch operands[0].storage {
    case .f32: return Tensor(type, .f32(joined(operands.map(\.floats))))
    case .i8: return Tensor(type, .i8(joined(operands.map(\.int8s))))
    case .i32: return Tensor(type, .i32(joined(operands.map(\.int32s))))
    }
  }

  static func transpose(_ operand: Tensor, _ permutation: [Int], _ type: TensorType) -> Tensor {
    let strides = operand.type.strides
    let positions = sourcePositions(type.shape, permutation.map { strides[$0] })
    switch operand.storage {
    case .f32(let values): return Tensor(type, .f32(positions.map { values[$0] }))
    case .i8(let values): return Tensor(type, .i8(positions.map { values[$0] }))
    case .i32(let values): return Tensor(type, .i32(positions.map { values[$0] }))
    }
  }

  /// A border around the operand; `value` holds its one element.
  static func pad(_ operand: Tensor, low: [Int], value: Tensor.Storage, _ type: TensorType) -> Tensor {
    let strides = type.strides
    let origin = zip(low, strides).map { $0 * $1 }.reduce(0, +)
    let targets = sourcePositions(operand.type.shape, strides)
    func padded<Element>(_ values: [Element], _ border: Element) -> [Element] {
      var result = [Element](repeating: border, count: type.elementCount)
      for (value, target) in zip(values, targets) { result[origin + target] = value }
      return result
    }
    switch (operand.storage, value) {
    case (.f32(let values), .f32(let border)): return Tensor(type, .f32(padded(values, border[0])))
    case (.i8(let values), .i8(let border)): return Tensor(type, .i8(padded(values, border[0])))
    case (.i32(let values), .i32(let border)): return Tensor(type, .i32(padded(values, border[0])))
    case (.f32, _), (.i8, _), (.i32, _): preconditionFailure("a border of another kind than the operand")
    }
  }

  /// Calls `body` with the positions of every row along an axis; a negative axis counts from the back.
  static func forEachRow(_ shape: [Int], axis: Int, _ body: ([Int]) -> Void) {
    let axis = axis < 0 ? axis + shape.count : axis
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    for block in 0..<outer {
      for offset in 0..<inner {
        body((0..<shape[axis]).map { (block * shape[axis] + $0) * inner + offset })
      }
    }
  }

  /// For each index of a shape in row-major order, the sum of its coordinates times the strides.
  private static func sourcePositions(_ shape: [Int], _ strides: [Int]) -> [Int] {
    var positions = [0]
    for (dimension, stride) in zip(shape, strides) {
      var next: [Int] = []
      next.reserveCapacity(positions.count * dimension)
      for position in positions {
        for index in 0..<dimension { next.append(position + index * stride) }
      }
      positions = next
    }
    return positions
  }
}
