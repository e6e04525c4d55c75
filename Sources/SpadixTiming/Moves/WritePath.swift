/// Stores: their controller, the way of results out of local memory, and the write half of the DMA.
struct WritePath: ~Copyable {
  private let hardware: Hardware
  private let busShift: Int
  private var controller: MoveController
  private var tracked: History
  /// When rows were read.
  private(set) var lastRead = -1
  private var reads = History(2)
  /// When rows passed into the scaling unit.
  private var lastNormalized = -1
  private var scaled = History(2)
  private var lastScaled = -1
  /// When the DMA took rows.
  private var accepted = History(scaledRows)
  private var writerFree = 0
  private var acknowledged: History
  private(set) var busBytes = 0
  private(set) var lastDone = 0

  static let acknowledgeDelay = 7
  /// Rows that the scaling unit has at a time.
  static let scaledRows = 5

  init(_ hardware: Hardware) {
    self.hardware = hardware
    busShift = hardware.busBytes.trailingZeroBitCount
    controller = MoveController(queue: hardware.storeQueue)
    tracked = History(hardware.trackedMoves)
    acknowledged = History(hardware.maxInFlight)
  }

  mutating func configure(_ ready: Int) -> Int { controller.configure(ready) }

  /// - Parameter conflicts: when the array writes to the accumulator and keeps reads off its bank.
  mutating func store(_ it: Operation, ready: Int, conflicts: inout AccumulatorWrites, reading: inout ReadPath) -> Span
  {
    let (issue, earliest) = controller.issue(ready)
    let first = max(earliest, tracked.oldest + 1)
    let isAccumulator = it.reads.start >= Operation.accumulatorBase
    let isOnChip = it.flags.contains(.onChip)
    let pixels = Int(it.rows)
    let blocks = Int(it.blocks)
    let pooled = it.pixels > 0
    let common = Packet(it.address, Int(it.bytes), beat: hardware.busBytes)
    let isUniform = common.isAlone(Int(it.bytes), stride: it.stride)
    // Reads before this cycle meet no additions, which need no look for each row where all lie in one bank.
    var quiet = Int.min
    let staysInBank =
      isAccumulator
      && (pooled || hardware.accumulatorBank(of: it.reads.start) == hardware.accumulatorBank(of: it.reads.end - 1))
    // What changes with every row stays in registers.
    var (lastRead, lastNormalized, lastScaled) = (self.lastRead, self.lastNormalized, self.lastScaled)
    var (reads, scaled, accepted) = (self.reads.cursor, self.scaled.cursor, self.accepted.cursor)
    var writerFree = self.writerFree
    var request = first - 1
    var address = it.address
    var column = 0
    for pixel in 0..<pixels {
      for block in 0..<blocks {
        request = max(request + 1, reads.oldest + 1)
        var read = max(request + 1, lastRead + 1)
        var accept: Int
        if isAccumulator {
          read = max(read, lastNormalized)
          if read >= quiet {
            let row = pooled ? it.reads.start : it.reads.start + Int32(block * hardware.dim + pixel)
            while true {
              let free = reading.additions.firstFree(from: conflicts.firstFree(from: read, row: row), row: row)
              if free == read { break }
              read = free
            }
            if staysInBank {
              quiet = min(
                conflicts.quietUntil(from: read, row: row), reading.additions.quietUntil(from: read, row: row))
            }
          }
          lastNormalized = max(read + 1, lastNormalized + 1, scaled.oldest + 1)
          lastScaled = max(lastNormalized + 1, lastScaled + 1, accepted.oldest)
          scaled.add(lastScaled)
          accept = lastScaled + hardware.accumulatorScaleLatency
        } else {
          read = max(read, accepted.oldest - 1)
          accept = read + hardware.scratchpadReadDelay + 1
        }
        lastRead = read
        reads.add(read)
        accept = max(accept, writerFree)
        accepted.add(accept)
        writerFree = accept + 1
        if block == blocks - 1 && !isOnChip {
          writerFree =
            isUniform
            ? write(common, accept, &reading) : write(Int(it.bytes), at: address, accept, &reading)
        }
      }
      address &+= UInt64(bitPattern: it.stride)
      if pooled {
        column += 1
        if column == Int(it.pixels) {
          column = 0
          address &+= UInt64(bitPattern: it.stride) &* UInt64(it.pixelPitch - it.pixels)
        }
      }
    }
    (self.lastRead, self.lastNormalized, self.lastScaled) = (lastRead, lastNormalized, lastScaled)
    self.reads.resume(reads)
    self.scaled.resume(scaled)
    self.accepted.resume(accepted)
    self.writerFree = writerFree
    let left = pixels * blocks > 1 ? request : request + 1
    controller.leave(left)
    let done = isOnChip ? writerFree + 1 : lastRead + 1
    tracked.add(done)
    lastDone = max(lastDone, done)
    return Span(issue: issue, start: first, free: left + 1, done: done)
  }

  /// A request that the DMA has the data of at `accept`; when its last beat leaves.
  @inline(__always)
  private mutating func write(_ packet: Packet, _ accept: Int, _ reading: inout ReadPath) -> Int {
    let beat = max(accept + 1, acknowledged.oldest + 1) + (packet.bytes >> busShift) - 1
    busBytes += packet.bytes
    let done = beat + hardware.latency + Self.acknowledgeDelay
    acknowledged.add(done)
    reading.pass(done)
    lastDone = max(lastDone, done)
    return beat
  }

  /// The requests for one row.
  private mutating func write(_ bytes: Int, at address: UInt64, _ accept: Int, _ reading: inout ReadPath) -> Int {
    var left = bytes
    var address = address
    var beat = accept
    while left > 0 {
      let packet = Packet(address, left, beat: hardware.busBytes)
      beat = write(packet, beat, &reading)
      address &+= UInt64(packet.useful)
      left -= packet.useful
    }
    return beat
  }
}
