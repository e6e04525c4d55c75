import SpadixISA

extension Program {
  /// Behind the last DRAM byte that the program, its bindings or its symbols name.
  ///
  /// Throws the diagnostic of a program that does not decode.
  public func dramEnd() throws -> UInt64 {
    var end = UInt64(Target.firstAddress)
    for segment in segments + expectations { end = max(end, segment.address + UInt64(segment.bytes.count)) }
    for symbol in symbols { end = max(end, symbol.address + UInt64(symbol.length)) }
    let bindings = inputs + outputs + hostSteps.flatMap { $0.inputs + $0.outputs }
    for binding in bindings { end = max(end, binding.address + UInt64(binding.byteSpan)) }
    do {
      try forEachStep { it, _ in
        guard it.dram != 0, it.normalization == 0 else { return }
        let transfer = Transfer(it)
        end = max(end, max(transfer.dram, transfer.last) + UInt64(transfer.bytes))
      }
    } catch {
      throw error.diagnostic(in: self)
    }
    return end
  }
}
