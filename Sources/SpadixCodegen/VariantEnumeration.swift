import SpadixISA
import SpadixKernel
import SpadixPlan

/// How the emitter runs an operator when the plan chooses a variant.
enum VariantCode: Sendable {
  case tile(form: Int, places: KernelPlaces, tiling: Tiling)
  case copy(inputsAreResident: [Bool], outputIsResident: Bool)
  case host
}

/// A way to run an operator, as the scheduler sees it and as the emitter needs it.
struct CodedVariant: Sendable {
  var variant: KernelProblem.Variant
  var code: VariantCode
}

/// Lists the variants of an operator: its operands in all places that are possible, with the tilings worth having.
struct VariantEnumeration {
  let target: Target
  /// Tilings found before for a kernel of the same shape: networks repeat their layers.
  private var found: [KernelShape: [TilingSearch.Candidate]] = [:]

  /// Up to so many inputs of a copy, each is offered by itself in the scratchpad.
  private static let mostSingleInputs = 32

  init(target: Target) { self.target = target }

  /// - Parameters:
  ///   - inputMayReside: per input, whether the tensor may be in the scratchpad as a whole.
  ///   - sameTensor: per input, the first input that is the same tensor; one tensor has one place.
  mutating func tileVariants(
    _ forms: [TileForm], inputMayReside: [Bool], sameTensor: [Int], outputMayReside: Bool
  ) -> [CodedVariant] {
    var variants: [CodedVariant] = []
    let choices = 1 << inputMayReside.count
    for choice in 0..<choices {
      let isResident = inputMayReside.indices.map { choice >> $0 & 1 == 1 }
      let isPossible = isResident.indices.allSatisfy {
        isResident[$0] == isResident[sameTensor[$0]] && (!isResident[$0] || inputMayReside[$0])
      }
      if !isPossible { continue }
      for (index, form) in forms.enumerated() {
        guard let places = Self.places(form, isResident) else { continue }
        for candidate in thinned(candidates(form.kernel, places)) {
          let inputs = isResident.map { $0 ? KernelProblem.Place.resident : .streamed }
          variants.append(
            CodedVariant(
              variant: KernelProblem.Variant(
                inputs: inputs, outputs: [.streamed], workingRows: candidate.rows,
                readBytes: candidate.cost.readBytes, writtenBytes: candidate.cost.writtenBytes,
                cycles: candidate.cycles),
              code: .tile(form: index, places: places, tiling: candidate.tiling)))
          if outputMayReside {
            var resident = places
            resident.outputIsResident = true
            variants.append(
              CodedVariant(
                variant: KernelProblem.Variant(
                  inputs: inputs, outputs: [.resident], workingRows: candidate.rows,
                  readBytes: candidate.cost.readBytes, writtenBytes: 0, cycles: candidate.cycles),
                code: .tile(form: index, places: resident, tiling: candidate.tiling)))
          }
        }
      }
    }
    return variants
  }

  func copyVariants(_ kernel: CopyKernel, inputMayReside: [Bool], sameTensor: [Int], outputMayReside: Bool)
    -> [CodedVariant]
  {
    let rows = CopyNest.workingRows(target)
    let bytes = kernel.writtenBytes
    func variant(_ resident: [Bool], output: Bool) -> CodedVariant {
      var read = kernel.readBytes(dim: target.dim)
      for block in kernel.blocks {
        if case .input(let index) = block.source, resident[index] { read -= block.rows * block.bytes }
      }
      return CodedVariant(
        variant: KernelProblem.Variant(
          inputs: resident.map { $0 ? .resident : .streamed }, outputs: [output ? .resident : .streamed],
          workingRows: output ? 0 : rows, readBytes: read, writtenBytes: output ? 0 : bytes, cycles: 0),
        code: .copy(inputsAreResident: resident, outputIsResident: output))
    }
    let none = [Bool](repeating: false, count: inputMayReside.count)
    var variants = [variant(none, output: false)]
    let canRead = kernel.canReadResident()
    let possible = inputMayReside.indices.map { inputMayReside[$0] && canRead[$0] }
    var seen: Set<[Bool]> = [none]
    func offer(_ chosen: (Int) -> Bool) {
      let places = possible.indices.map { possible[sameTensor[$0]] && possible[$0] && chosen(sameTensor[$0]) }
      if seen.insert(places).inserted { variants.append(variant(places, output: false)) }
    }
    // Enough to use what is resident, without 2^n variants: each input by itself, and all that can; of many inputs those
    // at the end, which were made last, and those at the beginning.
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
    if outputMayReside && kernel.canWriteResident(dim: target.dim) { variants.append(variant(none, output: true)) }
    return variants
  }

  /// The places of a kernel's operands, or nil when this form of it does not serve them.
  private static func places(_ form: TileForm, _ isResident: [Bool]) -> KernelPlaces? {
    var places = KernelPlaces()
    if let contraction = form.kernel.contraction {
      places.inputIsResident = isResident[contraction.input]
      switch form.input {
      case .any: break
      case .resident: if !places.inputIsResident { return nil }
      case .streamed: if places.inputIsResident { return nil }
      }
      if case .activation(let input, _) = contraction.weights { places.weightsAreResident = isResident[input] }
    }
    places.identityIsResident = form.kernel.identities.map { isResident[$0.input] }
    return places
  }

  private mutating func candidates(_ kernel: TileKernel, _ places: KernelPlaces) -> [TilingSearch.Candidate] {
    let shape = KernelShape(kernel, places)
    if let known = found[shape] { return known }
    let candidates = TilingSearch(
      kernel: kernel, places: places, dim: target.dim, scratchpadRows: target.scratchpadRows,
      accumulatorRows: target.accumulatorRows
    ).run()
    found[shape] = candidates
    return candidates
  }

  /// Candidates that differ by little are one choice for the scheduler; the best one always stays.
  private func thinned(_ candidates: [TilingSearch.Candidate]) -> [TilingSearch.Candidate] {
    var kept: [TilingSearch.Candidate] = []
    for (index, candidate) in candidates.enumerated() {
      if let last = kept.last, index < candidates.count - 1, candidate.weight > last.weight * 0.98 { continue }
      kept.append(candidate)
    }
    return kept
  }
}

/// All of a kernel that the choice of tilings depends on.
private struct KernelShape: Hashable {
  private let sizes: [Int]
  private let places: KernelPlaces

  init(_ kernel: TileKernel, _ places: KernelPlaces) {
    var sizes = [kernel.images, kernel.rows, kernel.columns, kernel.channels, kernel.store.rows, kernel.store.columns]
    sizes.append(kernel.store.scaleConstant == nil ? 0 : 1)
    if let pooling = kernel.store.pooling { sizes += [pooling.window, pooling.stride, pooling.top, pooling.left] }
    if let bias = kernel.bias {
      sizes += bias.isUniform ? [-1] : [-2] + bias.rowClass + bias.columnClass
    }
    for identity in kernel.identities {
      sizes += [-3, identity.passes, identity.multipliers.count, identity.isPlainSum ? 1 : 0]
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
