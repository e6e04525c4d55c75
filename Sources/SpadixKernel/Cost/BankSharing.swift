import SpadixISA
import SpadixSupport

/// How much the buffers of a nest are in each other's banks of the scratchpad, before it is known where they lie: weights at
/// its end, pixels at its start, slots of weights in the banks that pixels leave.
struct BankSharing {
  private let locals: [LocalBuffer]
  private let banks: Int
  /// For each pair of buffers, how much of them is in the same banks.
  private let shared: [Double]
  /// Banks that slots of weights take in turn; where they do not, how much of one is in the banks of another.
  private let slotBanks: Int
  private let sharedSlots: Double

  init(_ locals: [LocalBuffer], _ target: Target) {
    self.locals = locals
    banks = target.scratchpadBanks
    var starts: [Int] = []
    var (low, high) = (0, target.scratchpadRows)
    for local in locals {
      if let start = local.start {
        starts.append(start)
      } else if !local.isWorking {
        starts.append(0)
      } else if local.contents == .weights {
        high -= local.totalRows
        starts.append(high)
      } else {
        starts.append(low)
        low += local.totalRows
      }
    }
    shared = Self.shares(locals, starts, target)
    if let index = locals.firstIndex(where: { $0.contents == .weights && $0.slots > 1 }) {
      slotBanks = Self.slotBanks(locals[index], locals, target)
      sharedSlots = shared[index * locals.count + index]
    } else {
      (slotBanks, sharedSlots) = (0, 0)
    }
  }

  /// How much of some weights shares its banks with the pixels that they are multiplied with; where one of them is a tensor
  /// anywhere, what is to be expected.
  func share(of weights: BufferID, with pixels: BufferID) -> Double {
    guard locals[weights.index].isWorking, locals[pixels.index].isWorking else { return 1 / Double(banks) }
    return share(weights.index, pixels.index)
  }

  /// How much of two buffers is in the same banks.
  func share(_ left: Int, _ right: Int) -> Double { shared[left * locals.count + right] }

  /// How much of a slot of weights is in the banks of another that is multiplied with.
  func share(ofSlot slot: Int, with used: Int) -> Double {
    if slotBanks == 0 { return sharedSlots }
    return slot != used && slot % slotBanks == used % slotBanks ? 1 : 0
  }

  /// Banks that slots of weights are spread over, those that pixels leave; 0 where they do not fit there.
  private static func slotBanks(_ weights: LocalBuffer, _ locals: [LocalBuffer], _ target: Target) -> Int {
    let pixels = locals.reduce(0) { $0 + ($1.contents == .pixels ? $1.totalRows : 0) }
    let left = max(0, target.scratchpadRows - pixels) / target.scratchpadRowsPerBank
    return left > 0 && ceilDivide(weights.slots, left) * weights.rows <= target.scratchpadRowsPerBank ? left : 0
  }

  private static func shares(_ locals: [LocalBuffer], _ starts: [Int], _ target: Target) -> [Double] {
    let banks = target.scratchpadBanks
    let rows = target.scratchpadRowsPerBank
    let shares = locals.indices.map { buffer in
      let all = starts[buffer]..<starts[buffer] + locals[buffer].totalRows
      return (0..<banks).map { bank in
        all.isEmpty ? 0 : Double(all.clamped(to: bank * rows..<(bank + 1) * rows).count) / Double(all.count)
      }
    }
    return shares.flatMap { left in shares.map { right in (0..<banks).reduce(0) { $0 + left[$1] * right[$1] } } }
  }
}
