/// Finds stores of which every byte is stored over before anything reads one of them.
struct UnreadStores {
  /// For each byte of DRAM the store whose unread value it holds, counted from 1; 0 for none.
  private let backing: Dram
  private let owner: UnsafeMutablePointer<Int32>
  /// The command of each store, and how many of its bytes nobody has stored over; -1 once one of them was read.
  private var stores: [(command: Int32, bytes: Int)] = []

  /// - Parameter count: bytes of DRAM; memory is only taken where stores are.
  init(count: Int) throws {
    backing = try Dram(byteCount: 4 * count)
    owner = backing.base.assumingMemoryBound(to: Int32.self)
  }

  /// Bytes that something reads: no store that wrote one of them is dead.
  mutating func read(_ first: Int, _ count: Int) {
    for byte in first..<first + count where owner[byte] != 0 {
      stores[Int(owner[byte]) - 1].bytes = -1
      owner[byte] = 0
    }
  }

  /// Enters a store and returns the earlier commands that with it are stored over entirely. All transfers of one command,
  /// also those of a hardware loop, count as one store.
  mutating func store(_ transfer: Transfer) -> [Int] {
    var dead: [Int] = []
    if stores.last?.command != transfer.command { stores.append((transfer.command, 0)) }
    let own = Int32(truncatingIfNeeded: stores.count)
    for row in 0..<transfer.rows {
      let first = Int(transfer.address(row))
      for byte in first..<first + transfer.bytes where owner[byte] != own {
        let other = Int(owner[byte]) - 1
        owner[byte] = own
        if stores[stores.count - 1].bytes >= 0 { stores[stores.count - 1].bytes += 1 }
        if other < 0 || stores[other].bytes < 0 { continue }
        stores[other].bytes -= 1
        if stores[other].bytes == 0 { dead.append(Int(stores[other].command)) }
      }
    }
    return dead
  }
}
