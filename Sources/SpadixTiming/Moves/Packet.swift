/// A request of the DMA: an aligned power of two of bytes.
struct Packet {
  /// Bytes on the bus.
  var bytes: Int
  /// Those of them that are wanted.
  var useful: Int

  /// The request for the first of `left` bytes at `address`: the smallest that brings the most, a beat at least.
  @inline(__always)
  init(_ address: UInt64, _ left: Int, beat: Int) {
    bytes = beat
    useful = min(beat - Int(address & UInt64(beat - 1)), left)
    var size = beat
    while useful < left && size < Hardware.requestBytes {
      size *= 2
      let brings = min(size - Int(address & UInt64(size - 1)), left)
      if brings > useful { (bytes, useful) = (size, brings) }
    }
  }

  /// Whether each of the rows that begin with this one takes one request like it: `row` bytes, `stride` bytes apart.
  @inline(__always)
  func isAlone(_ row: Int, stride: Int64) -> Bool { useful == row && stride & Int64(bytes - 1) == 0 }
}
