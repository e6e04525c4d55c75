import SpadixISA

/// One hardware matrix product while it is expanded (in the order of the functional model).
private struct MatmulLoop {
  let registers: LoopMatmulRegisters
  let run: LoopMatmulRun
  let dim: Int
  let aStart: Int
  let bStart: Int

  var bounds: LoopBounds { registers.bounds }

  func rows(_ i: Int) -> Int { dim - (i == bounds.i - 1 ? bounds.padI : 0) }
  func columns(_ j: Int) -> Int { dim - (j == bounds.j - 1 ? bounds.padJ : 0) }
  func depth(_ k: Int) -> Int { dim - (k == bounds.k - 1 ? bounds.padK : 0) }

  /// The DRAM address of tile (row, column) of a matrix, its stride in elements.
  func address(_ base: UInt64, _ row: Int, _ column: Int, stride: UInt64, bytes: Int) -> UInt64 {
    base &+ (UInt64(row) &* stride &+ UInt64(column)) &* UInt64(dim * bytes)
  }

  func a(_ i: Int, _ k: Int) -> Int { aStart + (run.transposeA ? k * bounds.i + i : i * bounds.k + k) * dim }
  func b(_ k: Int, _ j: Int) -> Int { bStart + (run.transposeB ? j * bounds.k + k : k * bounds.j + j) * dim }
  func c(_ i: Int, _ j: Int) -> Int { (i * bounds.j + j) * dim }
}

extension Decoder {
  mutating func run(_ loop: LoopMatmulCommand, _ chunk: inout DecodedChunk) throws(Finding) {
    if let run = matmul.take(loop) { try expand(run, &chunk) }
  }

  private mutating func expand(_ run: LoopMatmulRun, _ chunk: inout DecodedChunk) throws(Finding) {
    let bounds = matmul.bounds
    guard bounds.padI < dim, bounds.padJ < dim, bounds.padK < dim else {
      throw fault(
        "machine.loop",
        "loop_ws pads \(bounds.padI), \(bounds.padJ), \(bounds.padK) elements; expected less than \(dim)")
    }
    let (i, j, k) = (bounds.i, bounds.j, bounds.k)
    if i == 0 || j == 0 || (k == 0 && !run.residualAdd) {
      report(.limits, "machine.shape", "loop_ws has \(i) x \(j) x \(k) tiles; expected at least one of each")
      return
    }
    let operands = (i * k + k * j) * dim
    guard operands <= scratchpadRows / 2, i * j * dim <= accumulatorRows / 2 else {
      throw fault(
        "machine.loop",
        "loop_ws of \(i) x \(j) x \(k) tiles needs \(operands) scratchpad and \(i * j * dim) accumulator rows; "
          + "expected at most half of each memory, \(scratchpadRows / 2) and \(accumulatorRows / 2)")
    }
    let loop = MatmulLoop(
      registers: matmul, run: run, dim: dim, aStart: run.aHalf == 2 ? scratchpadRows / 2 : 0,
      bStart: (run.bHalf == 2 ? scratchpadRows : scratchpadRows / 2) - k * j * dim)
    if run.residualAdd {
      try expandResidualAdd(loop, &chunk)
      return
    }
    if matmul.d != 0 {
      for row in 0..<i {
        for column in 0..<j {
          try chunk.makeRoom(store)
          let address = loop.address(matmul.d, row, column, stride: matmul.dStride, bytes: run.lowD ? 1 : 4)
          let tile = LocalTile(.accumulator(loop.c(row, column)), rows: loop.rows(row), columns: loop.columns(column))
          try moveIn(loads.2, address, tile.bits, &chunk)
        }
      }
    }
    for depth in 0..<k {
      for column in 0..<j {
        for row in 0..<i { try expand(loop, row, column, depth, &chunk) }
      }
    }
  }

  private mutating func expandResidualAdd(_ loop: MatmulLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    for i in 0..<loop.bounds.i {
      for j in 0..<loop.bounds.j {
        try chunk.makeRoom(store)
        let (rows, columns, row) = (loop.rows(i), loop.columns(j), loop.c(i, j))
        let a = loop.address(matmul.a, i, j, stride: matmul.aStride, bytes: 1)
        let b = loop.address(matmul.b, i, j, stride: matmul.bStride, bytes: 1)
        try moveIn(loads.0, a, LocalTile(.accumulator(row), rows: rows, columns: columns).bits, &chunk)
        try moveIn(
          loads.1, b, LocalTile(.accumulator(row, accumulate: true), rows: rows, columns: columns).bits, &chunk)
        if matmul.c != 0 { try storeResult(loop, i, j, &chunk) }
      }
    }
  }

  private mutating func expand(
    _ loop: MatmulLoop, _ i: Int, _ j: Int, _ k: Int, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    try chunk.makeRoom(store)
    let run = loop.run
    let (rows, columns, depth) = (loop.rows(i), loop.columns(j), loop.depth(k))
    if j == 0 && matmul.a != 0 {
      let (outer, inner) = run.transposeA ? (k, i) : (i, k)
      let address = loop.address(matmul.a, outer, inner, stride: matmul.aStride, bytes: 1)
      let tile = LocalTile(
        .scratchpad(loop.a(i, k)), rows: run.transposeA ? depth : rows, columns: run.transposeA ? rows : depth)
      try moveIn(loads.0, address, tile.bits, &chunk)
    }
    if i == 0 && matmul.b != 0 {
      let (outer, inner) = run.transposeB ? (j, k) : (k, j)
      let address = loop.address(matmul.b, outer, inner, stride: matmul.bStride, bytes: 1)
      let tile = LocalTile(
        .scratchpad(loop.b(k, j)), rows: run.transposeB ? columns : depth, columns: run.transposeB ? depth : columns)
      try moveIn(loads.1, address, tile.bits, &chunk)
    }
    let result = LocalAddress.accumulator(loop.c(i, j), accumulate: run.accumulate || k > 0)
    preload(
      LocalTile(i == 0 ? .scratchpad(loop.b(k, j)) : .garbage, rows: depth, columns: columns),
      LocalTile(result, rows: rows, columns: columns))
    try compute(
      i == 0, LocalTile(.scratchpad(loop.a(i, k)), rows: rows, columns: depth), .garbage(rows: dim, columns: dim),
      &chunk)
    if matmul.c != 0 && k == loop.bounds.k - 1 {
      if run.activation == 2 || run.activation == 4 {
        if j == loop.bounds.j - 1 { try storeNormalized(loop, i, &chunk) }
      } else {
        try storeResult(loop, i, j, &chunk)
      }
    }
  }

  private mutating func storeResult(
    _ loop: MatmulLoop, _ i: Int, _ j: Int, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    let address = loop.address(matmul.c, i, j, stride: matmul.cStride, bytes: loop.run.fullC ? 4 : 1)
    let source = LocalAddress.accumulator(loop.c(i, j), fullWidth: loop.run.fullC)
    try moveOut(address, LocalTile(source, rows: loop.rows(i), columns: loop.columns(j)).bits, &chunk)
  }

  /// Layernorm and softmax read each row of the result three times: once per statistic, once to store.
  private mutating func storeNormalized(
    _ loop: MatmulLoop, _ i: Int, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    // Steps for all blocks but the last, and for the last, of each pass.
    let passes = loop.run.activation == 2 ? [(1, 2), (3, 4), (0, 0)] : [(5, 5), (6, 7), (0, 0)]
    let bytes = loop.run.fullC ? 4 : 1
    let rows = loop.rows(i)
    for first in stride(from: 0, to: rows, by: Normalization.statisticsRegisters) {
      let group = min(rows - first, Normalization.statisticsRegisters)
      for pass in passes {
        for register in 0..<group {
          try configure(ConfigNorm(statistics: register, setOnlyStatistics: true), &chunk)
          let row = first + register
          for j in 0..<loop.bounds.j {
            try chunk.makeRoom(store)
            let step = j == loop.bounds.j - 1 ? pass.1 : pass.0
            let source = LocalAddress.accumulator(loop.c(i, j) + row, fullWidth: loop.run.fullC)
            let address =
              loop.address(matmul.c, i, j, stride: matmul.cStride, bytes: bytes)
              &+ UInt64(row) &* matmul.cStride &* UInt64(bytes)
            let local = LocalTile(
              LocalAddress(bits: source.bits | UInt32(step) << 26), rows: 1, columns: loop.columns(j))
            try moveOut(address, local.bits, &chunk)
          }
        }
      }
    }
  }
}
