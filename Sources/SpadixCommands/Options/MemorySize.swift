import ArgumentParser
import SpadixOrder
import SpadixSupport

/// A size of a memory as an argument: a whole number with an optional K (2^10) or M (2^20).
struct MemorySize: ExpressibleByArgument {
  var units: Int

  /// Nil when the text is not such a number.
  ///
  /// A number that is too large for a scratchpad, 2^40, stands for 2^40 + 1, for a message of its own.
  init?(argument: String) {
    var digits = argument[...]
    var shift = 0
    if let last = argument.last, let known = ["K": 10, "M": 20][last] {
      shift = known
      digits = argument.dropLast()
    }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    let largest = ScheduleProblem.largestSize
    guard let number = Int(digits), number <= largest >> shift else {
      units = largest + 1
      return
    }
    units = number << shift
  }

  var isTooLarge: Bool { units > ScheduleProblem.largestSize }
}
