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

  private let spanList: UnsafeMutablePointer<AllocationSections.Span>
  private let spanStart: UnsafeMutablePointer<Int>
  private let overlapList: UnsafeMutablePointer<AllocationSections.Overlap>
  private let overlapStart: UnsafeMutablePointer<Int>
  private let memberList: UnsafeMutablePointer<Int>
  private let memberStart: UnsafeMutablePointer<Int>

  init(_ problem: AllocationProblem, _ sections: AllocationSections) {
    func memory<Element>(_ values: [Element]) -> UnsafeMutablePointer<Element> {
      let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(1, values.count))
      for (index, value) in values.enumerated() { (pointer + index).initialize(to: value) }
      return pointer
    }
    func flat<Element>(_ lists: [[Element]]) -> (UnsafeMutablePointer<Element>, UnsafeMutablePointer<Int>) {
      var starts = [0]
      for list in lists { starts.append(starts[starts.count - 1] + list.count) }
      return (memory(lists.flatMap { $0 }), memory(starts))
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
    for pointer in [size, alignment, fixed, firstSection, lastSection, totals, memberList] { pointer.deallocate() }
    for pointer in [spanStart, overlapStart, memberStart] { pointer.deallocate() }
    spanList.deallocate()
    overlapList.deallocate()
  }

  func spans(of buffer: Int) -> UnsafeBufferPointer<AllocationSections.Span> { part(buffer, spanList, spanStart) }

  func overlaps(of buffer: Int) -> UnsafeBufferPointer<AllocationSections.Overlap> {
    part(buffer, overlapList, overlapStart)
  }

  func members(of section: Int) -> UnsafeBufferPointer<Int> { part(section, memberList, memberStart) }

  @inline(__always)
  private func part<Element>(
    _ index: Int, _ list: UnsafeMutablePointer<Element>, _ start: UnsafeMutablePointer<Int>
  ) -> UnsafeBufferPointer<Element> {
    UnsafeBufferPointer(start: list + start[index], count: start[index + 1] - start[index])
  }
}
