/// Stores: their controller, the way of results out of local memory, and the write half of the DMA.
struct WritePath: ~Copyable {
  private let hardware: Hardware
  private let busShift: Int
  private var issued = -1
  private var departures: History
  private var controllerFree = 0
  private var tracked: History
  /// When rows were read.
  private var lastRead = -1
  private var reads = History(2)
  /// When rows passed into the scaling unit.
  private var lastNormalized = -1
  private var scaled = History(2)
  private var lastScaled = -1
  /// When the DMA took rows.
  private var accepted = History(5)
  private var writerFree = 0
  private var acknowledged: History
  private(set) var busBytes = 0
  private(set) var lastDone = 0

  static let acknowledgeDelay = 7

  init(_ hardware: Hardware) {
    self.hardware = hardware
    busShift = hardware.busBytes.trailingZeroBitCount
    departures = History(hardware.storeQueue)
    tracked = History(hardware.trackedMoves)
    acknowledged = History(hardware.maxInFlight)
  }

  @inline(__always)
  private mutating func issue(_ ready: Int) -> Int {
    issued = max(ready, issued + 1, departures.oldest + 1)
    return issued
  }

  mutating func configure(_ ready: Int) -> Int {
    let issue = issue(ready)
    let start = max(issue + 1, controllerFree)
    controllerFree = start + 1
    departures.add(start)
    return issue
  }

  /// - Parameter conflicts: when the array writes to the accumulator and keeps reads off its bank.
  mutating func store(_ it: Operation, ready: Int, conflicts: inout AccumulatorWrites, reading: inout ReadPath) -> Span
  {
    let issue = issue(ready)
    let first = max(issue + 1, controllerFree, tracked.oldest + 1)
    let accumulator = it.reads.start >= Operation.accumulatorBase
    let pixels = Int(it.rows)
    let blocks = Int(it.blocks)
    let pooled = it.pixels > 0
    var request = first - 1
    var address = it.address
    var column = 0
    for pixel in 0..<pixels {
      for block in 0..<blocks {
        request = max(request + 1, reads.oldest + 1)
        var read = max(request + 1, lastRead + 1)
        var accept: Int
        if accumulator {
          read = max(read, lastNormalized)
          let row = pooled ? it.reads.start : it.reads.start + Int32(block * hardware.dim + pixel)
          while true {
            let free = reading.additions.firstFree(from: conflicts.firstFree(from: read, row: row), row: row)
            if free == read { break }
            read = free
          }
          let normalized = max(read + 1, lastNormalized + 1, scaled.oldest + 1)
          lastNormalized = normalized
          lastScaled = max(normalized + 1, lastScaled + 1, accepted.oldest)
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
        if block == blocks - 1 && !it.flags.contains(.onChip) { write(it, address, accept, &reading) }
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
    let left = pixels * blocks > 1 ? request : request + 1
    controllerFree = left + 1
    departures.add(left)
    var done = lastRead + 1
    if it.flags.contains(.onChip) { done = writerFree + 1 }
    tracked.add(done)
    lastDone = max(lastDone, done)
    return Span(issue: issue, start: first, free: left + 1, done: done)
  }

  /// The requests for one row that the DMA took at `accept`.
  @inline(__always)
  private mutating func write(_ it: Operation, _ address: UInt64, _ accept: Int, _ reading: inout ReadPath) {
    var left = Int(it.bytes)
    var at = address
    var beat = accept
    while left > 0 {
      let (bytes, useful) = ReadPath.packet(at, left, beat: hardware.busBytes)
      beat = max(beat + 1, acknowledged.oldest + 1) + (bytes >> busShift) - 1
      busBytes += bytes
      let done = beat + hardware.latency + Self.acknowledgeDelay
      acknowledged.add(done)
      reading.acknowledge(done)
      lastDone = max(lastDone, done)
      at &+= UInt64(useful)
      left -= useful
    }
    writerFree = beat
  }
}

/// When results of the array are added to rows of the accumulator: such an addition takes both ports of its bank.
struct AccumulatorWrites: ~Copyable {
  private struct Window {
    var first: Int
    var last: Int
    var bank: Int32
  }

  static let capacity = 1024
  private let windows: UnsafeMutablePointer<Window>
  private let bankRows: Int32
  private var count = 0
  private var cursor = 0

  init(bankRows: Int) {
    self.bankRows = Int32(bankRows)
    windows = .allocate(capacity: Self.capacity)
    windows.initialize(repeating: Window(first: 0, last: -1, bank: -1), count: Self.capacity)
  }

  deinit { windows.deallocate() }

  @inline(__always)
  mutating func add(first: Int, last: Int, row: Int32) {
    windows[count & (Self.capacity - 1)] = Window(
      first: first, last: last, bank: (row - Operation.accumulatorBase) / bankRows)
    count += 1
  }

  /// The first cycle from `time` on in which the row can be read. Times do not decrease from call to call.
  @inline(__always)
  mutating func firstFree(from time: Int, row: Int32) -> Int {
    cursor = max(cursor, count - Self.capacity)
    while cursor < count && windows[cursor & (Self.capacity - 1)].last < time { cursor += 1 }
    let bank = (row - Operation.accumulatorBase) / bankRows
    var found = time
    var index = cursor
    while index < count {
      let it = windows[index & (Self.capacity - 1)]
      if it.first > found { break }
      if it.bank == bank && found <= it.last { found = it.last + 1 }
      index += 1
    }
    return found
  }
}
