/// Bytes of the accelerator's two kinds of elements.
public enum ElementWidth {
  /// What scratchpad rows hold and the array multiplies.
  static let operand = 1
  /// Sums and biases.
  public static let accumulator = 4
}
