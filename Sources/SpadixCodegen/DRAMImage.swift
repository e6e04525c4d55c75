import SpadixIR
import SpadixISA
import SpadixKernel

/// What DRAM holds when a program starts.
extension PreparedKernels {
  /// The constants as the plan's loads read them, the zero points beside the rows of padded images, and the constants of
  /// the graph that are read as they are.
  public func segments(of plan: Plan) throws -> [Program.Segment] {
    let map = try MemoryMap(self, plan)
    var segments = zip(constants(of: plan).all, map.constantAddress).enumerated().map { index, it in
      Program.Segment(name: "constant.\(index)", address: it.1, bytes: it.0.bytes)
    }
    for index in graph.values.indices {
      let value = ValueID(index)
      guard buffers.root[value] == value, !parts.isPart(value), let address = map.valueAddress[index] else { continue }
      if let halo = halos[value] {
        // The host writes the rows themselves.
        segments.append(
          Program.Segment(
            name: "padding.\(index)", address: address,
            bytes: [UInt8](repeating: UInt8(bitPattern: halo.value), count: bufferBytes(value))))
      }
      if let tensor = storedConstants[value] {
        segments.append(Program.Segment(name: "value.\(index)", address: address, bytes: tensor.storage.bytes))
      }
    }
    return segments
  }

  /// The constants of a plan: weights in the order in which its tilings load them.
  private func constants(of plan: Plan) -> ConstantPool {
    var ordered = constants
    for (matrices, geometry, contraction) in orderedWeights(of: plan) {
      ordered[matrices].bytes = geometry.ordered(constants[matrices].bytes, contraction)
    }
    return ordered
  }

  /// By constant, how many bytes a plan has of it.
  func constantSizes(of plan: Plan) -> [Int] {
    var sizes = constants.all.map(\.bytes.count)
    for (matrices, geometry, _) in orderedWeights(of: plan) { sizes[matrices.index] = geometry.orderedByteCount }
    return sizes
  }

  private func orderedWeights(of plan: Plan) -> [(ConstantID, KernelGeometry, TileKernel.Contraction)] {
    plan.steps.indices.compactMap { step in
      guard case .tile(_, let tiling) = plan.steps[step].nest, let kernel = tileKernel(step: step, plan),
        let contraction = kernel.contraction, let matrices = contraction.weights.matrices
      else { return nil }
      return (matrices, KernelGeometry(kernel: kernel, tiling: tiling, dim: target.dim), contraction)
    }
  }
}
