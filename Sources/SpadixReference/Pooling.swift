import SpadixIR
import SpadixTensor

/// Windows over NHWC images.
enum Pooling {
  /// The maximum over the elements of each window that lie inside the image.
  static func maximum(_ input: Tensor, _ window: Window2D) -> Tensor.Storage {
    func maximum<Element: Comparable>(_ values: [Element]) -> [Element] {
      map(input.type.shape, window) { positions in
        var largest = values[positions[0]]
        for position in positions.dropFirst() { largest = max(largest, values[position]) }
        return largest
      }
    }
    return switch input.storage {
    case .f32(let values): .f32(maximum(values))
    case .i8(let values): .i8(maximum(values))
    case .i32(let values): .i32(maximum(values))
    }
  }

  /// Applies a function to the positions, inside the image, of each window of each channel; results are NHWC.
  static func map<Result>(_ shape: [Int], _ window: Window2D, _ function: ([Int]) -> Result) -> [Result] {
    let size = window.outputSize(of: [shape[1], shape[2]])
    var results: [Result] = []
    results.reserveCapacity(shape[0] * size[0] * size[1] * shape[3])
    var pixels: [Int] = []
    var positions: [Int] = []
    for batch in 0..<shape[0] {
      for row in 0..<size[0] {
        let top = row * window.strides[0] - window.padding[0]
        for column in 0..<size[1] {
          let left = column * window.strides[1] - window.padding[1]
          pixels.removeAll(keepingCapacity: true)
          for y in max(top, 0)..<min(top + window.size[0], shape[1]) {
            for x in max(left, 0)..<min(left + window.size[1], shape[2]) {
              pixels.append((batch * shape[1] + y) * shape[2] + x)
            }
          }
          for channel in 0..<shape[3] {
            positions.removeAll(keepingCapacity: true)
            for pixel in pixels { positions.append(pixel * shape[3] + channel) }
            results.append(function(positions))
          }
        }
      }
    }
    return results
  }
}
