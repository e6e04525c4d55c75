import SpadixSupport

/// Loads: their controller, the read half of the DMA, and the way of the data into local memory.
struct ReadPath: ~Copyable {
  private let hardware: Hardware
  private let busShift: Int
  private let dimShift: Int
  private var controller: MoveController
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
  /// What else takes cycles of the way back.
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
    controller = MoveController(queue: hardware.loadQueue)
    tracked = StationEntries(hardware.trackedMoves)
    answers = History(hardware.maxInFlight)
    additions = AccumulatorWrites(hardware)
  }

  mutating func configure(_ ready: Int) -> Int { controller.configure(ready) }

  @inline(__always)
  mutating func load(_ it: Operation, ready: Int) -> Span {
    let (issue, earliest) = controller.issue(ready)
    var start = tracked.take(earliest)
    if it.flags.contains(.zeros) { return zeros(it, issue, start) }
    let rows = it.flags.contains(.repeated) ? 1 : Int(it.rows)
    let first = start
    let isScaled = it.flags.contains(.scaled)
    let wide = it.flags.contains(.wide)
    if isScaled && !wasScaled { align() }
    if !wide { wasScaled = isScaled }
    let pixels = max(1, Int(it.pixels))
    let cost = max(isScaled ? (isAligned ? 12 : 19) : 3, 3 * pixels) * (it.flags.contains(.repeated) ? Int(it.rows) : 1)
    let slow = cost > 3
    let isAccumulator = it.writes.start >= Operation.accumulatorBase
    let bank = isAccumulator ? -1 : hardware.bank(of: it.writes.start)
    // Rows that lie alike in memory, with one request each.
    let common = split(it.address, Int(it.bytes), 0, dimShift + (wide ? 2 : 0))
    let isUniform = common.packet.isAlone(Int(it.bytes), stride: it.stride)
    // Nothing that went through the scaling unit before can hold up these rows.
    let isFree = scaleFree <= 3 * (start + hardware.latency + Self.requestDelay)
    if isUniform && isFree && !slow && !it.flags.contains(.accumulates) {
      start = likeRows(common, count: rows, from: start, bank: bank)
      if !wide { narrowRows += rows * common.pieces }
    } else {
      start = self.rows(it, rows, cost, isUniform ? common : nil, bank: bank, from: start)
    }
    var done = 0
    if slow {
      done = ceilDivide(scaleFree, 3) - 1 + (wide ? Self.wideDelay : Self.narrowDelay)
      if isScaled { done += Self.scaleDelay }
    } else {
      done = max(lastPiece - 1, ceilDivide(scaleFree, 3) - 1) + (wide ? Self.wideDelay : Self.narrowDelay)
    }
    let last = rows > 1 ? start : start + 1
    controller.leave(last)
    tracked.complete(done)
    lastDone = max(lastDone, done)
    return Span(issue: issue, start: first, free: last + 1, done: done)
  }

  /// Rows of any kind, `cost` thirds of a cycle each in the scaling unit; when the last one was taken up.
  /// - Parameter common: the request that each row takes, where they are alike.
  private mutating func rows(
    _ it: Operation, _ rows: Int, _ cost: Int, _ common: Request?, bank: Int, from start: Int
  ) -> Int {
    var start = start
    var address = it.address
    let isScaled = it.flags.contains(.scaled)
    let wide = it.flags.contains(.wide)
    let slow = cost > 3
    let rowShift = dimShift + (wide ? 2 : 0)
    let rowBytes = 1 << rowShift
    for row in 0..<rows {
      if row > 0 { start = max(start + 1, accepted.oldest) }
      let accept = max(start + 1, requested)
      accepted.add(accept)
      var left = Int(it.bytes)
      var offset = 0
      var at = address
      var request = max(accept, requested)
      while left > 0 {
        let answer = common ?? split(at, left, offset, rowShift)
        request = max(request + 1, answers.oldest + 1)
        requested = request
        let (beats, pieces) = (answer.beats, answer.pieces)
        busBytes += beats << busShift
        var beat = max(request + hardware.latency + Self.requestDelay, lastOut)
        offset = (offset + answer.packet.useful) & (rowBytes - 1)
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
        if bank >= 0 {
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
        at &+= UInt64(answer.packet.useful)
        left -= answer.packet.useful
      }
      address &+= UInt64(bitPattern: it.stride)
    }
    return start
  }

  /// Rows with one request each, all alike, that only the bus holds up; when the last one was taken up.
  private mutating func likeRows(_ like: Request, count: Int, from start: Int, bank: Int) -> Int {
    var start = start
    // What changes with every row stays in registers.
    var (requested, lastOut, runStart) = (self.requested, self.lastOut, self.runStart)
    var (accepted, answers) = (self.accepted.cursor, self.answers.cursor)
    let lead = hardware.latency + Self.requestDelay
    var write = (first: 0, last: -1)
    for row in 0..<count {
      if row > 0 { start = max(start + 1, accepted.oldest) }
      let accept = max(start + 1, requested)
      accepted.add(accept)
      requested = max(accept, answers.oldest) + 1
      var beat = channel.clear(max(requested + lead, lastOut))
      if beat > lastOut { runStart = beat }
      let end = channel.clear(through: beat + like.beats - 1)
      answers.add(end)
      beat = end - like.beats + 1
      lastOut = beat + like.next
      if bank < 0 { continue }
      let last = beat + like.out + Self.writeDelay
      if last - like.pieces != write.last {
        if write.last >= write.first { bankWrites.add(first: write.first, last: write.last, bank: bank) }
        write.first = last - like.pieces + 1
      }
      write.last = last
    }
    if write.last >= write.first { bankWrites.add(first: write.first, last: write.last, bank: bank) }
    (self.requested, self.lastOut, self.runStart) = (requested, lastOut, runStart)
    self.accepted.resume(accepted)
    self.answers.resume(answers)
    lastPiece = lastOut - like.next + like.out
    busBytes += (count * like.beats) << busShift
    return start
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
    controller.leave(left)
    let done = last + 2
    tracked.complete(done)
    lastDone = max(lastDone, done)
    return Span(issue: issue, start: start, free: left + 1, done: done)
  }

  /// Something else than an answer of a load passes the way back at `time`: the acknowledgement of a write, or a command.
  /// Between answers that have been placed already it moves those that are to come.
  @inline(__always)
  mutating func pass(_ time: Int) {
    if time >= lastOut {
      channel.add(time)
    } else if time >= runStart {
      lastOut += 1
    }
  }

  /// A request, and what becomes of its answer.
  private struct Request {
    var beats: Int
    var packet: Packet
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
    let packet = Packet(address, left, beat: hardware.busBytes)
    let (bytes, useful) = (packet.bytes, packet.useful)
    let beats = bytes >> busShift
    let round = hardware.busBytes - 1
    let pieces = (offset + useful + (1 << rowShift) - 1) >> rowShift
    let skipped = Int(address & UInt64(bytes - 1))
    let firstBeats = (skipped + min((1 << rowShift) - offset, useful) + round) >> busShift
    let out = max(firstBeats + pieces - 1, (skipped + useful + round) >> busShift)
    // An answer whose last piece leaves together with its last beat keeps the next one waiting for a cycle.
    let next = out >= beats ? out : out == beats - 1 ? beats + 1 : beats
    return Request(beats: beats, packet: packet, pieces: pieces, firstBeats: firstBeats, out: out, next: next)
  }
}
