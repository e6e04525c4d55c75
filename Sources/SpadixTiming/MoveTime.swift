import SpadixISA
import SpadixSupport

/// What moves and computes cost in a long row of their like: for models that cannot look at every request, of the plan and of the order of
/// commands.
///
/// The rules are those of `ReadPath` and `WritePath` without what happens once: a beat a cycle, `maxInFlight` requests at a
/// time, a few tracked moves at a time. Addresses count by where in the 64 bytes of a request rows begin.
public struct MoveTime: Sendable {
  /// Of the target that it was made for.
  public let hardware: Hardware
  /// Cycles from a request to its beat, and to its completion.
  public let loadLatency: Int
  /// Rows that a compute of fewer takes the cycles of.
  public let leastRows: Int
  /// Cycles of moves that were asked for before.
  private var known: [Int: Int] = [:]

  /// Knows no moves yet: what was asked for once is remembered.
  public init(_ target: Target) {
    hardware = Hardware(target)
    leastRows = target.leastComputeRows
    loadLatency = hardware.latency + ReadPath.requestDelay
  }

  /// Requests and beats of some rows, as sums over them.
  private func requests(rows: Int, bytes: Int, offset: Int, stride: Int) -> (requests: Int, beats: Int) {
    let line = Hardware.requestBytes
    func row(_ offset: Int) -> (requests: Int, beats: Int) {
      var result = (requests: 0, beats: 0)
      var at = UInt64(offset)
      var left = bytes
      while left > 0 {
        let packet = Packet(at, left, beat: hardware.busBytes)
        result.requests += 1
        result.beats += max(1, packet.bytes / hardware.busBytes)
        at += UInt64(packet.useful)
        left -= packet.useful
      }
      return result
    }
    if stride % line == 0 {
      let one = row(offset & (line - 1))
      return (one.requests * rows, one.beats * rows)
    }
    var sum = (requests: 0, beats: 0)
    for index in 0..<rows {
      let one = row((offset + index * stride) & (line - 1))
      sum.requests += one.requests
      sum.beats += one.beats
    }
    return sum
  }

  /// Cycles until the next move can follow, of one that brings rows of so many bytes.
  ///
  /// - Parameters:
  ///   - offset: bytes from the start of a request to the first row.
  ///   - stride: bytes from row to row in DRAM; 0 brings one row and repeats it.
  public mutating func load(rows: Int, bytes: Int, offset: Int, stride: Int) -> Int {
    look(rows, bytes, offset, stride, reads: nil) { $0.newLoad(rows: rows, bytes: bytes, offset: $1, stride: $2) }
  }

  /// Cycles until the next move can follow, of one that stores rows.
  ///
  /// - Parameter reads: rows that are read for each that is stored: more than one where windows are pooled.
  public mutating func store(rows: Int, bytes: Int, offset: Int, stride: Int, reads: Int) -> Int {
    look(rows, bytes, offset, stride, reads: reads) {
      $0.newStore(rows: rows, bytes: bytes, offset: $1, stride: $2, reads: rows * reads)
    }
  }

  /// Cycles until the next move can follow, of one that takes so many rows of the accumulator to the scratchpad.
  public func storeOnChip(reads: Int) -> Int { scaled(reads) + 2 }

  /// Where rows lie in their requests counts, and whether one is repeated; nothing else of their addresses.
  private mutating func look(
    _ rows: Int, _ bytes: Int, _ offset: Int, _ stride: Int, reads: Int?,
    _ compute: (MoveTime, _ offset: Int, _ stride: Int) -> Int
  ) -> Int {
    let line = Hardware.requestBytes
    let phase = stride == 0 ? line : stride & (line - 1)
    let offset = offset & (line - 1)
    let key = (((rows << 16 | bytes) << 7 | phase) << 6 | offset) << 16 | (reads.map { $0 + 1 } ?? 0)
    if let cycles = known[key] { return cycles }
    let cycles = compute(self, offset, stride == 0 ? 0 : phase == 0 ? line : phase)
    known[key] = cycles
    return cycles
  }

  private func newLoad(rows: Int, bytes: Int, offset: Int, stride: Int) -> Int {
    let isRepeated = stride == 0 && rows > 1
    let sum = requests(rows: isRepeated ? 1 : rows, bytes: bytes, offset: offset, stride: stride)
    // The answers, a beat a cycle; each request leaves when the one `maxInFlight` before is answered.
    let waiting = sum.requests * (loadLatency + 1) + sum.beats
    let flow = max(sum.beats, ceilDivide(waiting, hardware.maxInFlight))
    // Moves are tracked until their last row is written.
    let stay = loadLatency + sum.beats + (isRepeated ? rows : 0) + ReadPath.narrowDelay + 2
    return max(flow, ceilDivide(stay, hardware.trackedMoves), rows)
  }

  private func newStore(rows: Int, bytes: Int, offset: Int, stride: Int, reads: Int) -> Int {
    let sum = requests(rows: rows, bytes: bytes, offset: offset, stride: stride)
    let waiting = sum.requests * (hardware.latency + WritePath.acknowledgeDelay + 1) + sum.beats
    return max(sum.beats, ceilDivide(waiting, hardware.maxInFlight), scaled(reads) + 2)
  }

  /// Cycles in which rows of the accumulator pass the scaling unit, which has five at a time.
  private func scaled(_ reads: Int) -> Int {
    max(reads, ceilDivide(reads * hardware.accumulatorScaleLatency, WritePath.scaledRows))
  }

  /// Cycles from the last row that a store reads until its acknowledgement, which a fence waits for.
  public var storeLatency: Int {
    hardware.latency + WritePath.acknowledgeDelay + hardware.accumulatorScaleLatency + 4
  }

  /// Cycles until a compute of so many rows can follow one of its like: the array has a few of them at a time.
  public func leastCompute(rows: Int) -> Int {
    max(rows, ceilDivide(rows + 2 * hardware.dim + 1, ArrayPath.requestsAtATime))
  }

  /// Cycles from the last row read for a compute until its result is there.
  public var arrayLatency: Int { hardware.scratchpadReadDelay + 2 * hardware.dim + 2 }
}
