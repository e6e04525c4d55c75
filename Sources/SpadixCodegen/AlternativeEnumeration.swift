import SpadixISA
import SpadixKernel
import SpadixPlan

/// Lists the alternatives of an operator: its operands in all places that are possible, with the tilings worth having.
struct AlternativeEnumeration {
  private let target: Target
  private let tilings: TilingCatalog
  private var time: KernelTime

  /// Up to so many inputs of a copy, each is offered by itself in the scratchpad.
  private static let mostSingleInputs = 32

  init(target: Target, tilings: TilingCatalog) {
    self.target = target
    self.tilings = tilings
    time = KernelTime(target)
  }

  func tileAlternatives(_ forms: [PlacedForm]) -> [KernelAlternatives.Alternative] {
    forms.flatMap { form in
      tilings[form].map { candidate in
        KernelAlternatives.Alternative(
          KernelProblem.Alternative(
            inputs: form.inputIsResident.map { $0 ? .resident : .streamed },
            outputs: [form.outputIsResident ? .resident : .streamed], rows: candidate.rows, cost: candidate.cost),
          .tile(form: form.number, tiling: candidate.tiling))
      }
    }
  }

  mutating func copyAlternatives(
    _ kernel: CopyKernel, _ places: PossiblePlaces
  ) -> [KernelAlternatives.Alternative] {
    func alternative(_ resident: [Bool], output: Bool) -> KernelAlternatives.Alternative {
      let nest = CopyNest(kernel, inputIsResident: resident, outputIsResident: output, target: target)
      return KernelAlternatives.Alternative(
        KernelProblem.Alternative(
          inputs: resident.map { $0 ? .resident : .streamed }, outputs: [output ? .resident : .streamed],
          rows: nest.workingRows, cost: time.cost(of: nest.program())),
        .copy)
    }
    let possible = places.inputMayReside
    let none = [Bool](repeating: false, count: possible.count)
    var alternatives = [alternative(none, output: false)]
    var seen: Set<[Bool]> = [none]
    func offer(_ chosen: (Int) -> Bool) {
      let resident = possible.indices.map { index in
        let first = places.sameTensor[index]
        return possible[first] && possible[index] && chosen(first)
      }
      if seen.insert(resident).inserted { alternatives.append(alternative(resident, output: false)) }
    }
    // Enough to use what is resident, without 2^n alternatives: each input by itself, and all that can; of many inputs
    // those at the end, which were made last, and those at the beginning.
    if possible.count <= Self.mostSingleInputs {
      for index in possible.indices { offer { $0 == places.sameTensor[index] } }
    } else {
      var count = 1
      while count < possible.count {
        offer { $0 >= possible.count - count }
        offer { $0 < count }
        count *= 2
      }
    }
    offer { _ in true }
    if places.outputMayReside { alternatives.append(alternative(none, output: true)) }
    return alternatives
  }
}
