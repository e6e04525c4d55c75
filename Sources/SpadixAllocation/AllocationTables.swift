/// The numbers of an allocation problem and its sections in flat arrays, for the search.
final class AllocationTables {
  let count: Int
  let sectionCount: Int
  let size: UnsafeMutablePointer<Int>
  let alignment: UnsafeMutablePointer<Int>
  /// -1 where the offset is to be chosen.
  let fixed: UnsafeMutablePointer<Int>
  /// -1 for a buffer that never takes anything.
  let firstSection: UnsafeMutablePointer<Int>
  let lastSection: UnsafeMutablePointer<Int>
  let totals: UnsafeMutablePointer<Int>

  private let spanList: UnsafeMutableBufferPointer<AllocationSections.Span>
  private let spanStart: [Int]
  private let overlapList: UnsafeMutableBufferPointer<AllocationSections.Overlap>
  private let overlapStart: [Int]
  private let memberList: UnsafeMutableBufferPointer<Int>
  private let memberStart: [Int]

  init(_ problem: AllocationProblem, _ sections: AllocationSections) {
    func memory(_ values: [Int]) -> UnsafeMutablePointer<Int> {
      let pointer = UnsafeMutablePointer<Int>.allocate(capacity: max(1, values.count))
      for (index, value) in values.enumerated() { (pointer + index).initialize(to: value) }
      return pointer
    }
    func flat<Element>(_ lists: [[Element]]) -> (UnsafeMutableBufferPointer<Element>, [Int]) {
      let all = lists.flatMap { $0 }
      let pointer = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(1, all.count))
      _ = pointer.initialize(from: all)
      var starts = [0]
      for list in lists { starts.append(starts[starts.count - 1] + list.count) }
      return (pointer, starts)
    }
    count = problem.buffers.count
    sectionCount = sections.count
    size = memory(problem.buffers.map(\.size))
    alignment = memory(problem.buffers.map(\.alignment))
    fixed = memory(problem.buffers.map { $0.fixedOffset ?? -1 })
    firstSection = memory(sections.spans.map { $0.first?.section ?? -1 })
    lastSection = memory(sections.spans.map { $0.last?.section ?? -1 })
    totals = memory(sections.totals)
    (spanList, spanStart) = flat(sections.spans)
    (overlapList, overlapStart) = flat(sections.overlaps())
    (memberList, memberStart) = flat(sections.members)
  }

  deinit {
    for pointer in [size, alignment, fixed, firstSection, lastSection, totals] { pointer.deallocate() }
    spanList.deallocate()
    overlapList.deallocate()
    memberList.deallocate()
  }

  func spans(of buffer: Int) -> Slice<UnsafeMutableBufferPointer<AllocationSections.Span>> {
    spanList[spanStart[buffer]..<spanStart[buffer + 1]]
  }

  func overlaps(of buffer: Int) -> Slice<UnsafeMutableBufferPointer<AllocationSections.Overlap>> {
    overlapList[overlapStart[buffer]..<overlapStart[buffer + 1]]
  }

  func members(of section: Int) -> Slice<UnsafeMutableBufferPointer<Int>> {
    memberList[memberStart[section]..<memberStart[section + 1]]
  }
}
