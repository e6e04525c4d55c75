import SpadixISA

extension Program {
  /// Decodes all commands without running them, a chunk of steps at a time.
  ///
  /// Throws the fault of a command that is refused, after the steps before it.
  func forEachStep(_ body: @escaping (DecodedCommand, borrowing DecodedChunk) -> Void) throws(Finding) {
    var decoder = Decoder(target: target, checks: [])
    var chunk = DecodedChunk { (chunk) throws(Finding) in
      for it in chunk.commands { body(it, chunk) }
    }
    for (index, command) in commands.enumerated() {
      chunk.reset(decoder.store)
      try decoder.decode(command, index: index, into: &chunk)
      for it in chunk.commands { body(it, chunk) }
    }
  }
}
