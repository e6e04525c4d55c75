/// Round numbers along an axis.
package enum Ticks {
  /// At most `count` + 1 multiples of 1, 2 or 5 times a power of ten from 0 to `end`.
  package static func linear(to end: Int, count: Int) -> [Int] {
    var (step, power) = (1, 1)
    while end / step > count {
      switch step / power {
      case 1: step = 2 * power
      case 2: step = 5 * power
      default:
        power *= 10
        step = power
      }
    }
    return Array(stride(from: 0, through: end, by: step))
  }
}
