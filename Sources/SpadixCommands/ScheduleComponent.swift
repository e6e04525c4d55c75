import ArgumentParser
import SpadixOrder

/// A component of the scheduler that can be switched off.
enum ScheduleComponent: String, CaseIterable, ExpressibleByArgument {
  case contraction
  case split
  case upperBound = "upper-bound"
  case lowerBound = "lower-bound"
  case pivotBound = "pivot-bound"
  case windowBound = "window-bound"
  case treeCuts = "tree-cuts"
  case idealBound = "ideal-bound"
  case lagrangianBound = "lagrangian-bound"
  case wavefront
  case localSearch = "local-search"
  case orderSearch = "order-search"
  case suffixBounds = "suffix-bounds"
  case safeMoves = "safe-moves"
  case dominance
  case exchanges
  case evictionPrecedence = "eviction-precedence"
  case packing

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

  func switchOff(_ options: inout ScheduleOptions) {
    switch self {
    case .contraction: options.useContraction = false
    case .split: options.useSplit = false
    case .upperBound: options.useUpperBound = false
    case .lowerBound: options.useLowerBound = false
    case .pivotBound: options.usePivotBound = false
    case .windowBound: options.useWindowBound = false
    case .treeCuts: options.useTreeCuts = false
    case .idealBound: options.useIdealBound = false
    case .lagrangianBound: options.useLagrangianBound = false
    case .wavefront: options.useWavefront = false
    case .localSearch: options.useLocalSearch = false
    case .orderSearch: options.useOrderSearch = false
    case .suffixBounds: options.useSuffixBounds = false
    case .safeMoves: options.useSafeMoves = false
    case .dominance: options.useDominance = false
    case .exchanges: options.useExchanges = false
    case .evictionPrecedence: options.useEvictionPrecedence = false
    case .packing: options.usePacking = false
    }
  }
}
