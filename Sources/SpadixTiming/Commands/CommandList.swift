import SpadixISA
import SpadixSupport

/// A list of commands in memory, which the accelerator reads ahead into as many buffers of one request each as it may have
/// reads in flight. Its requests go before those of loads, and its answers come over the same way.
struct CommandList: ~Copyable {
  private let buffers: Int
  private let busBytes: Int
  private let beats: Int
  private let lead: Int
  private let requests: Int
  /// When the first beat of the answer in each buffer was there.
  private let arrivals: UnsafeMutablePointer<Int>
  private var requested = 0
  private var lastRequest = -1
  private var lastBeat = -1
  private var used = 0
  /// Beats that nobody has been told of, one behind the other.
  private var untold: [Range<Int>] = []

  init(_ hardware: Hardware, commands: Int) {
    buffers = max(2, hardware.maxInFlight)
    busBytes = hardware.busBytes
    beats = max(1, Hardware.requestBytes / hardware.busBytes)
    lead = hardware.latency + ReadPath.requestDelay
    requests = ceilDivide(commands * CommandDelivery.listBytes, Hardware.requestBytes)
    arrivals = .allocate(capacity: buffers)
    arrivals.initialize(repeating: 0, count: buffers)
    for _ in 0..<buffers { request(at: 0) }
  }

  deinit { arrivals.deallocate() }

  private mutating func request(at time: Int) {
    if requested == requests { return }
    lastRequest = max(time, lastRequest + 1)
    let first = max(lastRequest + lead, lastBeat + 1)
    lastBeat = first + beats - 1
    arrivals[requested % buffers] = first
    requested += 1
    untold.append(first..<lastBeat + 1)
  }

  /// When all of a command has been read.
  func available(_ index: Int) -> Int {
    let last = (index + 1) * CommandDelivery.listBytes - 1
    let place = last / Hardware.requestBytes
    return arrivals[place % buffers] + last % Hardware.requestBytes / busBytes + 1
  }

  /// A command was taken; a buffer that it was the last of is filled again.
  mutating func took(_ index: Int, at time: Int) {
    while used < (index + 1) * CommandDelivery.listBytes / Hardware.requestBytes {
      used += 1
      request(at: time + 1)
    }
  }

  mutating func takeBeats() -> Range<Int>? { untold.isEmpty ? nil : untold.removeFirst() }
}
