import SpadixISA
import SpadixKernel
import SpadixSupport

/// The tilings worth having of all kernels of a graph, searched once for those of the same shape: networks repeat their
/// layers.
struct TilingCatalog: Sendable {
  private var numbers: [KernelShape: Int] = [:]
  private let found: [[TilingSearch.Candidate]]

  /// - Parameter progress: told now and then what is being done.
  init(_ forms: [PlacedForm], _ target: Target, progress: (@Sendable (String) -> Void)?) {
    var distinct: [PlacedForm] = []
    for form in forms where numbers[form.shape] == nil {
      numbers[form.shape] = distinct.count
      distinct.append(form)
    }
    let count = distinct.count
    found = distinct.concurrentMap(progress: { progress?("tilings: \($0) of \(count) kernels") }) { form in
      var search = TilingSearch(kernel: form.kernel, places: form.places, time: KernelTime(target))
      return search.run()
    }
  }

  /// Of a form that the catalog was made for.
  subscript(form: PlacedForm) -> [TilingSearch.Candidate] { found[numbers[form.shape]!] }
}
