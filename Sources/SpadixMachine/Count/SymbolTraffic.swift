import SpadixISA

/// Counts the DRAM bytes that move to and from each symbol.
///
/// A transfer belongs to the symbol that its first byte lies in; of symbols that share bytes, to the one that starts last.
struct SymbolTraffic {
  private var cursor: ClassCursor
  /// In the order of the cursor's symbols.
  private var read: [Int]
  private var written: [Int]

  init(_ program: Program) {
    cursor = ClassCursor(program)
    read = [Int](repeating: 0, count: program.symbols.count)
    written = read
  }

  mutating func count(_ chunk: borrowing DecodedChunk) {
    for index in chunk.commands.indices {
      let it = chunk.commands[index]
      switch it.kind {
      case .load, .loadScales, .loadTable:
        if let symbol = cursor.symbol(of: it.dram) { read[symbol] += it.bytesRead }
      case .store:
        if let symbol = cursor.symbol(of: it.dram) {
          written[symbol] += it.bytesWritten(chunk.stores[Int(it.configuration)])
        }
      case .storeScratchpad, .compute, .fence: break
      }
    }
  }

  /// Symbols that bytes moved to or from, by address.
  var symbols: [Counters.SymbolBytes] {
    cursor.symbols.indices.filter { read[$0] + written[$0] > 0 }.map {
      Counters.SymbolBytes(symbol: cursor.symbols[$0], dramRead: read[$0], dramWritten: written[$0])
    }
  }
}
