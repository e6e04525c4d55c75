/// Rounds the weights of a product to integers so that what the product gives is off by least, not each weight.
///
/// Where inputs go together, what rounding one weight adds can be taken off with the next. With H the sum of x xᵀ over all
/// inputs x, the error of a channel is (w - q)ᵀ H (w - q). H = U D Uᵀ, with ones on the diagonal of the upper triangle U;
/// then weights are rounded one after the other, each with the errors of those before it times its column of U added: what
/// is left is the sum of D times the squares of single roundings, as in Chee et al., QuIP (2023).
struct LeastSquaresRounding {
  /// How many weights a channel has.
  let depth: Int
  /// The lower triangle of H, row by row, in squares of `depth` rows.
  private var moments: [Float]
  private(set) var rows = 0

  init(depth: Int) {
    self.depth = depth
    moments = [Float](repeating: 0, count: depth * depth)
  }

  /// Takes in one input of the product.
  mutating func add(_ input: UnsafeBufferPointer<Float>) {
    rows += 1
    let depth = depth
    moments.withUnsafeMutableBufferPointer { moments in
      for row in 0..<depth where input[row] != 0 {
        let factor = input[row]
        let start = row * depth
        for column in 0...row { moments[start + column] += factor * input[column] }
      }
    }
  }

  /// A part of the mean square of the inputs, so that few of them do not decide alone.
  private static let damping: Float = 0.01

  /// The integers of weights [depth, channels].
  ///
  /// - Parameters:
  ///   - scales: one for each channel.
  ///   - inputStep: the step of the int8 inputs, of which the noise is part of H.
  func rounded(_ weights: [Float], scales: [Float], inputStep: Float) -> [Int8] {
    let channels = scales.count
    let diagonal = (0..<depth).map { moments[$0 * depth + $0] }
    let mean = diagonal.reduce(0, +) / Float(max(1, depth))
    let noise = Float(rows) * inputStep * inputStep / 12 + Self.damping * mean
    // The inputs that are smallest come last: nothing makes up for their roundings.
    let order = diagonal.indices.sorted { (diagonal[$1], $0) < (diagonal[$0], $1) }
    var triangle = [Float](repeating: 0, count: depth * depth)
    for (row, from) in order.enumerated() {
      for (column, to) in order[...row].enumerated() {
        triangle[row * depth + column] = moments[max(from, to) * depth + min(from, to)]
      }
      triangle[row * depth + row] += noise
    }
    Self.decompose(&triangle, depth)
    var result = [Int8](repeating: 0, count: weights.count)
    var errors = [Float](repeating: 0, count: weights.count)
    var wanted = [Float](repeating: 0, count: channels)
    errors.withUnsafeMutableBufferPointer { errors in
      wanted.withUnsafeMutableBufferPointer { wanted in
        for (step, place) in order.enumerated() {
          for channel in 0..<channels { wanted[channel] = weights[place * channels + channel] }
          for before in 0..<step {
            let factor = triangle[step * depth + before]
            if factor == 0 { continue }
            for channel in 0..<channels { wanted[channel] += factor * errors[before * channels + channel] }
          }
          for channel in 0..<channels {
            let integer = min(max((wanted[channel] / scales[channel]).rounded(.toNearestOrEven), -127), 127)
            result[place * channels + channel] = integer.isNaN ? 0 : Int8(integer)
            // Of the weight itself: what the errors before made of it is theirs.
            errors[step * channels + channel] = weights[place * channels + channel] - integer * scales[channel]
          }
        }
      }
    }
    return result
  }

  /// Replaces the lower triangle of a symmetric matrix H = U D Uᵀ by the columns of U, as rows.
  private static func decompose(_ triangle: inout [Float], _ depth: Int) {
    triangle.withUnsafeMutableBufferPointer { matrix in
      for pivot in (0..<depth).reversed() {
        let row = pivot * depth
        let value = matrix[row + pivot]
        guard value > 0 else {
          for column in 0..<pivot { matrix[row + column] = 0 }
          continue
        }
        for other in 0..<pivot {
          let factor = matrix[row + other] / value
          if factor == 0 { continue }
          let start = other * depth
          for column in 0...other { matrix[start + column] -= factor * matrix[row + column] }
        }
        for column in 0..<pivot { matrix[row + column] /= value }
      }
    }
  }
}
