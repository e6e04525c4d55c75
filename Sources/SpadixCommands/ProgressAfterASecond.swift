import Foundation

/// Shows on a terminal what is going on, once a second has passed; the line goes away with the object.
///
/// A timer shows what was said last, so that one long phase is seen as well.
final class ProgressAfterASecond: @unchecked Sendable {
  private let lock = NSLock()
  private var progress = Progress()
  private var text = ""
  private var shown = ""
  private var timer: (any DispatchSourceTimer)?

  init() {
    guard StandardError.isTerminal else { return }
    let timer = DispatchSource.makeTimerSource(queue: .global())
    timer.schedule(deadline: .now() + 1, repeating: 0.1)
    timer.setEventHandler { [weak self] in self?.refresh() }
    timer.resume()
    self.timer = timer
  }

  func show(_ text: String) {
    guard timer != nil else { return }
    lock.withLock { self.text = text }
  }

  private func refresh() {
    lock.withLock {
      guard timer != nil, text != shown else { return }
      progress.show(text)
      shown = text
    }
  }

  /// Takes the line away, for good.
  func end() {
    lock.withLock {
      timer?.cancel()
      timer = nil
      progress.clear()
    }
  }

  deinit { end() }
}
