/// The largest number that divides both; that of 0 and another is the other's magnitude.
public func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
  var (a, b) = (left.magnitude, right.magnitude)
  while b != 0 { (a, b) = (b, a % b) }
  return Int(clamping: a)
}
