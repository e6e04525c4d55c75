/// How many of `divisor` it takes to hold `value`: the quotient rounded up.
///
/// - Precondition: the value is 0 or more, the divisor more than 0, and their sum can be represented.
@inlinable
public func ceilDivide<Integer: BinaryInteger>(_ value: Integer, _ divisor: Integer) -> Integer {
  (value + divisor - 1) / divisor
}

/// The least multiple that is not below `value`.
///
/// - Precondition: as for `ceilDivide`.
@inlinable
public func roundUp<Integer: BinaryInteger>(_ value: Integer, toMultipleOf multiple: Integer) -> Integer {
  ceilDivide(value, multiple) * multiple
}
