/// A point of the pipeline whose state has a text, in the order in which they are passed.
///
/// What one phase prints is a valid input: compiling resumes from there.
public enum Phase: String, CaseIterable, Sendable, Comparable {
  /// The graph after simplification and fusion, still in floating point.
  case graph
  /// The graph in int8, with the integer semantics of the operators.
  case quantized
  /// The graph of kernels and host steps for the target.
  case npu
  /// The npu graph with order, tilings, residency and addresses.
  case plan
  /// The same with a tile program for each kernel: what is moved and computed in which order.
  case tiles
  /// Commands and a DRAM image.
  case program

  public static func < (left: Phase, right: Phase) -> Bool { left.position < right.position }

  private var position: Int {
    switch self {
    case .graph: 0
    case .quantized: 1
    case .npu: 2
    case .plan: 3
    case .tiles: 4
    case .program: 5
    }
  }
}
