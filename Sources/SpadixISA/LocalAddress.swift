/// A row of the scratchpad or of the accumulator, as the 32 bits of a command.
///
/// Bit 31 selects the accumulator, bit 30 adds on write, bit 29 stores 32-bit elements, bits 28...26 carry the
/// normalization step of a store. The row number counts rows of `dim` elements, never bytes (docs/isa.md).
public struct LocalAddress: Hashable, Sendable {
  /// As in the command.
  public var bits: UInt32

  /// Row numbers have 26 bits: what is left below the normalization step.
  static let maximumRows = 1 << 26

  /// Takes any 32 bits, whether or not they name a row that a target has.
  @inlinable
  public init(bits: UInt32) { self.bits = bits }

  /// Row numbers beyond 26 bits wrap.
  @inlinable
  public static func scratchpad(_ row: Int) -> LocalAddress {
    LocalAddress(bits: UInt32(truncatingIfNeeded: row) & 0x03FF_FFFF)
  }

  /// - Parameters:
  ///   - accumulate: a write adds to the row (32-bit, wrapping) instead of replacing it.
  ///   - fullWidth: a store moves the 32-bit elements instead of scaled 8-bit ones.
  @inlinable
  public static func accumulator(_ row: Int, accumulate: Bool = false, fullWidth: Bool = false) -> LocalAddress {
    var bits = UInt32(truncatingIfNeeded: row) & 0x03FF_FFFF | 0x8000_0000
    if accumulate { bits |= 0x4000_0000 }
    if fullWidth { bits |= 0x2000_0000 }
    return LocalAddress(bits: bits)
  }

  /// All ones: no operand, or a result that is dropped.
  public static let garbage = LocalAddress(bits: 0xFFFF_FFFF)

  /// Every bit is set. `isAccumulator` and the flags below are true as well then: ask this first.
  @inlinable public var isGarbage: Bool { bits == 0xFFFF_FFFF }
  /// Bit 31.
  @inlinable public var isAccumulator: Bool { bits & 0x8000_0000 != 0 }
  /// Bit 30: a write adds to the row.
  @inlinable public var accumulates: Bool { bits & 0x4000_0000 != 0 }
  /// Bit 29: a store moves the 32-bit elements.
  @inlinable public var isFullWidth: Bool { bits & 0x2000_0000 != 0 }
  /// The normalization step of a store, 0 for an ordinary one.
  @inlinable public var normalization: Int { Int(bits >> 26 & 7) }
  /// Bits 25...0, counted from the start of the scratchpad or of the accumulator.
  @inlinable public var row: Int { Int(bits & 0x03FF_FFFF) }

  /// The same memory and flags, `rows` further on.
  @inlinable
  public func advanced(by rows: Int) -> LocalAddress {
    LocalAddress(bits: bits & 0xFC00_0000 | UInt32(truncatingIfNeeded: row + rows) & 0x03FF_FFFF)
  }
}

/// A rectangle of local memory as an operand: an address and its logical rows and columns.
///
/// Columns beyond `dim` continue in further column blocks (moves only). Rows and columns have 16 bits in a command.
public struct LocalTile: Hashable, Sendable {
  /// First row.
  public var address: LocalAddress
  /// 0...65535.
  public var rows: Int
  /// Elements of a row, 0...65535.
  public var columns: Int

  @inlinable
  public init(_ address: LocalAddress, rows: Int, columns: Int) {
    self.address = address
    self.rows = rows
    self.columns = columns
  }

  /// No operand. The shape still counts where a command takes its result shape from it.
  @inlinable
  public static func garbage(rows: Int, columns: Int) -> LocalTile {
    LocalTile(.garbage, rows: rows, columns: columns)
  }

  /// The operand of a command; every 64 bits are a tile.
  @inlinable
  public init(bits: UInt64) {
    address = LocalAddress(bits: UInt32(truncatingIfNeeded: bits))
    columns = Int(bits >> 32 & 0xFFFF)
    rows = Int(bits >> 48)
  }

  /// `rows[63:48] | columns[47:32] | address[31:0]`.
  @inlinable
  public var bits: UInt64 {
    UInt64(truncatingIfNeeded: rows) << 48 | (UInt64(truncatingIfNeeded: columns) & 0xFFFF) << 32
      | UInt64(address.bits)
  }
}
