/// What it costs to run something, by the compiler's models. Costs of parts add up.
public struct Cost: Sendable, Hashable, CustomStringConvertible {
  /// Bytes through DRAM.
  public var readBytes: Int
  /// Bytes to DRAM.
  public var writtenBytes: Int
  /// Cycles in which the array computes.
  public var arrayCycles: Int
  /// Modelled cycles from start to end.
  public var time: Int
  /// Commands to the accelerator.
  public var commands: Int

  public init(readBytes: Int = 0, writtenBytes: Int = 0, arrayCycles: Int = 0, time: Int = 0, commands: Int = 0) {
    self.readBytes = readBytes
    self.writtenBytes = writtenBytes
    self.arrayCycles = arrayCycles
    self.time = time
    self.commands = commands
  }

  /// What nothing costs, from which sums start.
  public static let zero = Cost()

  /// Read and written together.
  public var bytes: Int { readBytes + writtenBytes }

  public var description: String {
    "\(readBytes) bytes read, \(writtenBytes) written, \(time) cycles (array \(arrayCycles)), \(commands) commands"
  }

  /// Adds every part: times as if one ran after the other.
  public static func + (left: Cost, right: Cost) -> Cost {
    Cost(
      readBytes: left.readBytes + right.readBytes, writtenBytes: left.writtenBytes + right.writtenBytes,
      arrayCycles: left.arrayCycles + right.arrayCycles, time: left.time + right.time,
      commands: left.commands + right.commands)
  }

  /// As `+`.
  public static func += (left: inout Cost, right: Cost) { left = left + right }
}
