import SpadixKernel

/// A form of a tile kernel, with its tensors in some of the places where they may be.
struct PlacedForm: Sendable {
  /// Which of the operator's forms.
  let number: Int
  let kernel: TileKernel
  let inputIsResident: [Bool]
  let outputIsResident: Bool
  let places: KernelPlaces
  let shape: KernelShape

  private init(_ number: Int, _ kernel: TileKernel, inputs: [Bool], output: Bool) {
    self.number = number
    self.kernel = kernel
    inputIsResident = inputs
    outputIsResident = output
    places = KernelPlaces(kernel, inputs: inputs, output: output)
    shape = KernelShape(kernel, places)
  }

  /// All forms of an operator in all places.
  static func all(_ forms: [TileForm], _ possible: PossiblePlaces) -> [PlacedForm] {
    let (mayReside, sameTensor) = (possible.inputMayReside, possible.sameTensor)
    var placed: [PlacedForm] = []
    for choice in 0..<(1 << mayReside.count) {
      let isResident = mayReside.indices.map { choice >> $0 & 1 == 1 }
      let isPossible = isResident.indices.allSatisfy {
        isResident[$0] == isResident[sameTensor[$0]] && (!isResident[$0] || mayReside[$0])
      }
      if !isPossible { continue }
      for (number, form) in forms.enumerated() where form.serves(isResident) {
        for output in possible.outputMayReside ? [false, true] : [false] {
          placed.append(PlacedForm(number, form.kernel, inputs: isResident, output: output))
        }
      }
    }
    return placed
  }
}
