import SpadixISA
import SpadixKernel
import SpadixPlan

/// Lists the alternatives of an operator: its operands in all places that are possible, with the tilings worth having.
struct AlternativeEnumeration {
  let target: Target
  /// Tilings found before for a kernel of the same shape: networks repeat their layers.
  private var found: [KernelShape: [TilingSearch.Candidate]] = [:]

  /// Up to so many inputs of a copy, each is offered by itself in the scratchpad.
  private static let mostSingleInputs = 32

  private var time: KernelTime

  init(target: Target) {
    self.target = target
    time = KernelTime(target)
  }

  /// - Parameters:
  ///   - inputMayReside: per input, whether the tensor may be in the scratchpad as a whole.
  ///   - sameTensor: per input, the first input that is the same tensor; one tensor has one place.
  mutating func tileAlternatives(
    _ forms: [TileForm], inputMayReside: [Bool], sameTensor: [Int], outputMayReside: Bool
  ) -> [KernelAlternatives.Alternative] {
    var alternatives: [KernelAlternatives.Alternative] = []
    let choices = 1 << inputMayReside.count
    for choice in 0..<choices {
      let isResident = inputMayReside.indices.map { choice >> $0 & 1 == 1 }
      let isPossible = isResident.indices.allSatisfy {
        isResident[$0] == isResident[sameTensor[$0]] && (!isResident[$0] || inputMayReside[$0])
      }
      if !isPossible { continue }
      for (index, form) in forms.enumerated() {
        guard form.serves(isResident) else { continue }
        for outputIsResident in outputMayReside ? [false, true] : [false] {
          let places = KernelPlaces(form.kernel, inputs: isResident, output: outputIsResident)
          for candidate in candidates(form.kernel, places) {
            alternatives.append(
              KernelAlternatives.Alternative(
                KernelProblem.Alternative(
                  inputs: isResident.map { $0 ? .resident : .streamed },
                  outputs: [outputIsResident ? .resident : .streamed], rows: candidate.rows, cost: candidate.cost),
                .tile(form: index, tiling: candidate.tiling)))
          }
        }
      }
    }
    return alternatives
  }

  mutating func copyAlternatives(
    _ kernel: CopyKernel, inputMayReside: [Bool], sameTensor: [Int], outputMayReside: Bool
  ) -> [KernelAlternatives.Alternative] {
    func alternative(_ resident: [Bool], output: Bool) -> KernelAlternatives.Alternative {
      KernelAlternatives.Alternative(
        KernelProblem.Alternative(
          inputs: resident.map { $0 ? .resident : .streamed }, outputs: [output ? .resident : .streamed],
          rows: output ? 0 : CopyNest.workingRows(target),
          cost: time.cost(
            of: CopyNest(kernel, inputIsResident: resident, outputIsResident: output, target: target).program())),
        .copy)
    }
    let none = [Bool](repeating: false, count: inputMayReside.count)
    var alternatives = [alternative(none, output: false)]
    let possible = inputMayReside
    var seen: Set<[Bool]> = [none]
    func offer(_ chosen: (Int) -> Bool) {
      let places = possible.indices.map { possible[sameTensor[$0]] && possible[$0] && chosen(sameTensor[$0]) }
      if seen.insert(places).inserted { alternatives.append(alternative(places, output: false)) }
    }
    // Enough to use what is resident, without 2^n alternatives: each input by itself, and all that can; of many inputs
    // those at the end, which were made last, and those at the beginning.
    if possible.count <= Self.mostSingleInputs {
      for index in possible.indices { offer { $0 == sameTensor[index] } }
    } else {
      var count = 1
      while count < possible.count {
        offer { $0 >= possible.count - count }
        offer { $0 < count }
        count *= 2
      }
    }
    offer { _ in true }
    if outputMayReside { alternatives.append(alternative(none, output: true)) }
    return alternatives
  }

  private mutating func candidates(_ kernel: TileKernel, _ places: KernelPlaces) -> [TilingSearch.Candidate] {
    let shape = KernelShape(kernel, places)
    if let known = found[shape] { return known }
    var search = TilingSearch(kernel: kernel, places: places, time: time)
    let candidates = search.run()
    found[shape] = candidates
    return candidates
  }
}

/// All of a kernel that the choice of tilings depends on.
struct KernelShape: Hashable {
  private let sizes: [Int]
  private let places: KernelPlaces

  init(_ kernel: TileKernel, _ places: KernelPlaces) {
    var sizes = [kernel.images, kernel.rows, kernel.columns, kernel.channels, kernel.store.rows, kernel.store.columns]
    sizes.append(kernel.store.channelBytes)
    sizes.append(kernel.store.tableConstant == nil ? 0 : 1)
    sizes.append(kernel.store.pair == nil ? 0 : 1)
    if let pooling = kernel.store.pooling { sizes += [pooling.window, pooling.stride, pooling.top, pooling.left] }
    if let bias = kernel.bias {
      sizes += bias.isUniform ? [-1] : [-2] + bias.rowClass + bias.columnClass + [-5] + bias.zeroClass
      sizes.append(bias.paddingTaps == nil ? 0 : 1)
    }
    for identity in kernel.identities {
      sizes += [
        -3, identity.passes, identity.multipliers.count, identity.isPlainSum ? 1 : 0, identity.isRepeated ? 1 : 0,
      ]
    }
    if let contraction = kernel.contraction {
      sizes += [
        -4, contraction.window.inputRows, contraction.window.inputColumns, contraction.window.inputChannels,
        contraction.window.kernelRows,
        contraction.window.kernelColumns, contraction.window.strideRows, contraction.window.strideColumns,
        contraction.window.dilationRows,
        contraction.window.dilationColumns, contraction.window.paddingTop, contraction.window.paddingLeft,
      ]
      switch contraction.weights {
      case .dense: sizes.append(0)
      case .activation(_, let transposed): sizes.append(transposed ? 1 : 2)
      case .packed(let packed): sizes += [3] + packed.firstChannel + packed.channelCount
      case .diagonal: sizes.append(4)
      case .ones: sizes.append(5)
      }
    }
    self.sizes = sizes
    self.places = places
  }
}
