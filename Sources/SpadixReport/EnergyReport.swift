import SpadixISA

/// Modelled energy of one run: counted events times the target's parameters. Host steps do not count.
public struct EnergyReport: Sendable, Hashable {
  /// Picojoules by parameter, in the order of `EnergyParameters.fields`.
  var picojoules: [Int]

  init(picojoules: [Int]) { self.picojoules = picojoules }

  /// - Parameter counts: events in the order of `EnergyParameters.fields`.
  public init(_ parameters: EnergyParameters, counts: [Int]) {
    picojoules = zip(EnergyParameters.fields, counts).map { field, count in
      // Exact: 10^18 events of 100 nJ would not fit an Int of femtojoules.
      let product = count.multipliedFullWidth(by: parameters[keyPath: field.path])
      return 1000.dividingFullWidth(product).quotient
    }
  }

  /// Keys in JSON: `mac` for `mac_pj`.
  static let keys = EnergyParameters.fields.map { String($0.key.dropLast(3)) }

  /// Picojoules of all parameters.
  public var total: Int { picojoules.reduce(0, +) }
}
