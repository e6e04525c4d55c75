/// Loads: their controller, the read half of the DMA, and the way of the data into local memory.
struct ReadPath: ~Copyable {
  private let hardware: Hardware
  private let busShift: Int
  private let dimShift: Int
  /// When the controller can take up the next command.
  private var controllerFree = 0
  /// When commands left the controller's queue.
  private var departures: History
  private var issued = -1
  /// Completions of the moves that the controller tracks.
  private var tracked: StationEntries
  /// When rows left the queue between controller and DMA.
  private var accepted = History(5)
  /// The last request.
  private var requested = -1
  /// When the answers of requests were complete.
  private var answers: History
  /// When the last row was handed on.
  private var lastOut = 0
  /// When the unit that scales and repeats rows is free, in thirds of a cycle.
  private var scaleFree = 0
  private var scaleCost = 3
  var bankWrites = BankWrites()
  /// When loads add to rows of the accumulator.
  var additions: AccumulatorWrites
  private static let additionDelay = 4
  /// From a row leaving the DMA to its write.
  private static let writeDelay = 3
  /// Rows that went through the scaling unit, which has three places for them.
  private var narrowRows = 0
  private var wasScaled = false
  private var isAligned = false
  private var zeroFree = -1
  /// Acknowledgements of writes, which share the way back with the answers of reads.
  private var channel = ResponseChannel()
  private var runStart = 0
  private var lastPiece = 0
  private(set) var busBytes = 0
  private(set) var lastDone = 0

  /// Cycles from a request to its beat beyond the memory's latency.
  static let requestDelay = 7
  /// From the last beat to completion: narrow rows pass the scaling unit, 32-bit ones do not.
  static let narrowDelay = 5
  static let wideDelay = 3
  static let scaleDelay = 6

  init(_ hardware: Hardware) {
    self.hardware = hardware
    busShift = hardware.busBytes.trailingZeroBitCount
    dimShift = hardware.dim.trailingZeroBitCount
    departures = History(hardware.loadQueue)
    tracked = StationEntries(hardware.trackedMoves)
    answers = History(hardware.maxInFlight)
    additions = AccumulatorWrites(bankRows: hardware.accumulatorBankRows)
  }

  /// When a command can leave the reservation station, given when it is ready.
  @inline(__always)
  private mutating func issue(_ ready: Int) -> Int {
    issued = max(ready, issued + 1, departures.oldest + 1)
    return issued
  }

  @inline(__always)
  mutating func configure(_ ready: Int) -> Int {
    let issue = issue(ready)
    let start = max(issue + 1, controllerFree)
    controllerFree = start + 1
    departures.add(start)
    return issue
  }

  @inline(__always)
  mutating func load(_ it: Operation, ready: Int) -> Span {
    let issue = issue(ready)
    var start = tracked.take(max(issue + 1, controllerFree))
    if it.flags.contains(.zeros) { return zeros(it, issue, start) }
    let rows = it.flags.contains(.repeated) ? 1 : Int(it.rows)
    let first = start
    var address = it.address
    var done = 0
    let isScaled = it.flags.contains(.scaled)
    let wide = it.flags.contains(.wide)
    if isScaled && !wasScaled { align() }
    if !wide { wasScaled = isScaled }
    let pixels = max(1, Int(it.pixels))
    let cost = max(isScaled ? (isAligned ? 12 : 19) : 3, 3 * pixels) * (it.flags.contains(.repeated) ? Int(it.rows) : 1)
    let slow = cost > 3
    let isAccumulator = it.writes.start >= Operation.accumulatorBase
    let rowShift = dimShift + (wide ? 2 : 0)
    let rowBytes = 1 << rowShift
    let bank = isAccumulator ? -1 : hardware.bank(of: it.writes.start)
    // Rows that lie alike in memory, with one request each.
    let common = split(address, Int(it.bytes), 0, rowShift)
    let isUniform = common.useful == Int(it.bytes) && it.stride & Int64(Hardware.requestBytes - 1) == 0
    for row in 0..<rows {
      if row > 0 { start = max(start + 1, accepted.oldest) }
      let accept = max(start + 1, requested)
      accepted.add(accept)
      var left = Int(it.bytes)
      var offset = 0
      var at = address
      var request = max(accept, requested)
      while left > 0 {
        let answer = isUniform ? common : split(at, left, offset, rowShift)
        request = max(request + 1, answers.oldest + 1)
        requested = request
        let (beats, pieces) = (answer.beats, answer.pieces)
        busBytes += beats << busShift
        var beat = max(request + hardware.latency + Self.requestDelay, lastOut)
        offset = (offset + answer.useful) & (rowBytes - 1)
        // The unit behind takes five rows more before the answers have to wait.
        if scaleFree > 0 { beat = max(beat, (scaleFree - 5 * scaleCost) / 3) }
        beat = channel.clear(beat)
        if beat > lastOut { runStart = beat }
        let end = channel.clear(through: beat + beats - 1)
        answers.add(end)
        beat = end - beats + 1
        let available = beat + answer.firstBeats - 1
        if slow || scaleFree > 3 * available {
          if isScaled && scaleFree + 9 < 3 * available { align() }
          scaleFree = max(scaleFree, 3 * available) + pieces * cost
          scaleCost = cost
        }
        if !wide { narrowRows += pieces }
        let out = answer.out
        lastPiece = beat + out
        lastOut = beat + answer.next
        if !isAccumulator {
          if slow {
            for piece in 0..<pieces {
              let time = (scaleFree - (pieces - piece) * cost) / 3 + Self.writeDelay + (isScaled ? Self.scaleDelay : 0)
              bankWrites.add(first: time, last: time + (cost >= 6 && !isScaled ? cost / 3 - 1 : 0), bank: bank)
            }
          } else {
            bankWrites.add(
              first: beat + out - pieces + 1 + Self.writeDelay, last: beat + out + Self.writeDelay, bank: bank)
          }
        } else if it.flags.contains(.accumulates) {
          let first = (slow ? scaleFree / 3 - pieces * cost / 3 : beat + out - pieces) + Self.additionDelay
          if cost <= 3 {
            additions.add(first: first, last: first + pieces - 1, row: it.writes.start)
          } else {
            for piece in 0..<pieces {
              let time = first + piece * cost / 3
              additions.add(first: time, last: time, row: it.writes.start)
            }
          }
        }
        at &+= UInt64(answer.useful)
        left -= answer.useful
      }
      address &+= UInt64(bitPattern: it.stride)
    }
    if slow {
      done = (scaleFree + 2) / 3 - 1 + (wide ? Self.wideDelay : Self.narrowDelay)
      if isScaled { done += Self.scaleDelay }
    } else {
      done = max(lastPiece - 1, (scaleFree + 2) / 3 - 1) + (wide ? Self.wideDelay : Self.narrowDelay)
    }
    let last = rows > 1 ? start : start + 1
    controllerFree = last + 1
    departures.add(last)
    tracked.complete(done)
    lastDone = max(lastDone, done)
    return Span(issue: issue, start: first, free: last + 1, done: done)
  }

  /// The scaling unit's four multipliers take turns between its three places. Out of reset the turns begin in the middle
  /// of the first place, and rows that follow each other there take longer, until rows begin in another place.
  private mutating func align() {
    if !isAligned { isAligned = narrowRows % 3 != 0 }
  }

  private mutating func zeros(_ it: Operation, _ issue: Int, _ start: Int) -> Span {
    let blocks = Int(it.blocks) * max(1, Int(it.pixels))
    // A row is taken up when the last block of the one before is written, two cycles after it could be at best; rows that
    // come from memory go before.
    var row = max(start, zeroFree)
    var last = row
    let bank = it.writes.start < Operation.accumulatorBase ? hardware.bank(of: it.writes.start) : -1
    for index in 0..<Int(it.rows) {
      if index > 0 { row = last }
      last = row
      for _ in 0..<blocks {
        last = bankWrites.firstFree(from: last + 3) - 2
        if bank >= 0 { bankWrites.add(first: last + 2, last: last + 2, bank: bank) }
      }
    }
    zeroFree = last
    let left = it.rows > 1 ? row : row + 1
    controllerFree = left + 1
    departures.add(left)
    let done = last + 2
    tracked.complete(done)
    lastDone = max(lastDone, done)
    return Span(issue: issue, start: start, free: left + 1, done: done)
  }

  /// A write is acknowledged at `time`. Between answers that have been placed already it moves those that are to come.
  @inline(__always)
  mutating func acknowledge(_ time: Int) {
    if time >= lastOut {
      channel.add(time)
    } else if time >= runStart {
      lastOut += 1
    }
  }

  /// A request, and what becomes of its answer.
  private struct Request {
    var beats: Int
    /// Bytes that are wanted.
    var useful: Int
    /// Rows of local memory that the answer is cut into.
    var pieces: Int
    /// Beats until the first of them is there.
    var firstBeats: Int
    /// From the first beat until the last piece is handed on, and until the next answer can begin.
    var out: Int
    var next: Int
  }

  /// - Parameter offset: bytes of the local row that are there already.
  @inline(__always)
  private func split(_ address: UInt64, _ left: Int, _ offset: Int, _ rowShift: Int) -> Request {
    let (bytes, useful) = Self.packet(address, left, beat: hardware.busBytes)
    let beats = bytes >> busShift
    let round = hardware.busBytes - 1
    let pieces = (offset + useful + (1 << rowShift) - 1) >> rowShift
    let skipped = Int(address & UInt64(bytes - 1))
    let firstBeats = (skipped + min((1 << rowShift) - offset, useful) + round) >> busShift
    let out = max(firstBeats + pieces - 1, (skipped + useful + round) >> busShift)
    // An answer whose last piece leaves together with its last beat keeps the next one waiting for a cycle.
    let next = out >= beats ? out : out == beats - 1 ? beats + 1 : beats
    return Request(beats: beats, useful: useful, pieces: pieces, firstBeats: firstBeats, out: out, next: next)
  }

  /// The request for the first of `left` bytes at `address`: its bytes on the bus, and how many of them are wanted. The
  /// smallest aligned power of two that brings the most.
  @inline(__always)
  static func packet(_ address: UInt64, _ left: Int, beat: Int) -> (bytes: Int, useful: Int) {
    var size = beat
    var best = (bytes: size, useful: min(size - Int(address & UInt64(size - 1)), left))
    while best.useful < left && size < Hardware.requestBytes {
      size *= 2
      let useful = min(size - Int(address & UInt64(size - 1)), left)
      if useful > best.useful { best = (size, useful) }
    }
    return best
  }
}

/// When an operation left the reservation station, when its unit took it up, when the unit could take up the next one, and
/// when it was complete.
struct Span {
  var issue: Int
  var start: Int
  var free: Int
  var done: Int
}

/// Cycles of the way back that acknowledgements of writes take, which go before the answers of reads.
private struct ResponseChannel: ~Copyable {
  private static let capacity = 1024
  private let times: UnsafeMutablePointer<Int>
  private var first = 0
  private var count = 0

  init() {
    times = .allocate(capacity: Self.capacity)
    times.initialize(repeating: 0, count: Self.capacity)
  }

  deinit { times.deallocate() }

  @inline(__always)
  mutating func add(_ time: Int) {
    if count == Self.capacity {
      first += 1
      count -= 1
    }
    times[(first + count) & (Self.capacity - 1)] = time
    count += 1
  }

  /// The first free cycle from `time` on.
  @inline(__always)
  mutating func clear(_ time: Int) -> Int {
    var time = time
    while count > 0 && times[first & (Self.capacity - 1)] <= time {
      if times[first & (Self.capacity - 1)] == time { time += 1 }
      first += 1
      count -= 1
    }
    return time
  }

  /// The end of an answer that would end at `end`, with the acknowledgements in between.
  @inline(__always)
  mutating func clear(through end: Int) -> Int {
    var end = end
    while count > 0 && times[first & (Self.capacity - 1)] <= end {
      end += 1
      first += 1
      count -= 1
    }
    return end
  }
}
