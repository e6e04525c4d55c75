import Foundation
import SpadixISA
import SpadixSupport

/// DRAM: a flat range of addresses of which only touched pages take memory.
///
/// Reading a byte without a value is not an error here; it reads as 0. Who cares keeps track (`DramTracker`).
final class Dram {
  let byteCount: Int
  let base: UnsafeMutableRawPointer

  /// Throws `machine.memory` when the operating system refuses the address range.
  init(byteCount: Int) throws {
    self.byteCount = byteCount
    self.base = try Self.reserve(byteCount)
  }

  deinit { munmap(base, byteCount) }

  /// Address space without memory behind it until it is written.
  static func reserve(_ byteCount: Int) throws -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED else {
      throw Diagnostic(
        "machine.memory", "the system refuses \(byteCount) bytes of address space",
        help: "lower dram_bytes in the target file, or raise the limit of the process (ulimit -v)")
    }
    return base
  }

  func write(_ bytes: [UInt8], at address: UInt64) {
    bytes.withUnsafeBytes { source in
      if let from = source.baseAddress { (base + Int(address)).copyMemory(from: from, byteCount: source.count) }
    }
  }

  func read(_ address: UInt64, _ count: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: base + Int(address), count: count))
  }
}

/// Scratchpad and accumulator.
final class LocalMemory {
  let dim: Int
  let scratchpadRows: Int
  let accumulatorRows: Int
  let scratchpad: UnsafeMutablePointer<Int8>
  let accumulator: UnsafeMutablePointer<Int32>

  /// Kernels may read this much past a row.
  private static let slack = 128

  /// - Parameter fill: what every byte holds at the start. Programs must not depend on it.
  init(_ target: Target, fill: UInt8) {
    dim = target.dim
    scratchpadRows = target.scratchpadRows
    accumulatorRows = target.accumulatorRows
    func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes + Self.slack, alignment: 64)
      memory.initializeMemory(as: UInt8.self, repeating: fill, count: bytes + Self.slack)
      return memory
    }
    scratchpad = allocate(target.scratchpadBytes).assumingMemoryBound(to: Int8.self)
    accumulator = allocate(target.accumulatorBytes).assumingMemoryBound(to: Int32.self)
  }

  deinit {
    UnsafeMutableRawPointer(scratchpad).deallocate()
    UnsafeMutableRawPointer(accumulator).deallocate()
  }
}
