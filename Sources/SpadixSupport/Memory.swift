import Foundation

/// Memory that this process may take: asked before it is taken, since an array that cannot be had ends the process.
public enum Memory {
  /// Bytes that the process can still have: what its limits, its container and the machine leave.
  static var available: Int { min(physical, availableAddresses) }

  /// Bytes of address space that the process can still have; only a limit bounds them.
  private static var availableAddresses: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max else {
      return Int.max
    }
    return max(0, Int(clamping: limit.rlim_cur) - addressSpace)
  }

  /// - Parameters:
  ///   - untouched: address space on top of the bytes, most of which will never take memory.
  ///   - what: the work that needs the memory, as the subject of "needs".
  ///
  /// Throws `memory.short` when the process cannot have that many bytes.
  public static func require(_ bytes: Int, untouched: Int = 0, for what: @autoclosure () -> String) throws {
    // Everything has room for this.
    guard bytes + untouched > 64 << 20 else { return }
    var (bytes, available) = (bytes, available)
    if bytes <= available {
      (bytes, available) = (bytes + untouched, availableAddresses)
      if bytes <= available { return }
    }
    throw Diagnostic(
      "memory.short", "\(what()) needs about \(text(bytes)) of memory; \(text(available)) can be had",
      help: "raise the limit of the process (ulimit -v) or of its container, or use a machine with more memory")
  }

  /// A number of bytes for people.
  public static func text(_ bytes: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1024, unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(bytes) bytes" : "\((value * 10).rounded() / 10) \(units[unit])"
  }

  /// What the machine, or the container, has; not what is free, which changes from one moment to the next.
  private static let physical: Int = {
    var least = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
      if let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) { least = min(least, limit) }
    }
    return least
  }()

  /// Bytes of address space that are taken.
  private static var addressSpace: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = text.split(separator: " ").first.flatMap({ Int($0) })
    else { return 0 }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
