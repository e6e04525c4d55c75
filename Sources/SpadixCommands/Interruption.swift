import Foundation
import SpadixSupport

/// Ctrl-C raises a cancellation instead of ending the process; a second one ends it.
final class Interruption: @unchecked Sendable {
  let cancellation = Cancellation()
  private let source: any DispatchSourceSignal

  init() {
    signal(SIGINT, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { [cancellation] in
      if cancellation.isCancelled { exit(130) }
      cancellation.cancel()
    }
    source.resume()
  }

  /// Also raises the cancellation after so many seconds.
  func end(after seconds: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) { [weak cancellation] in
      cancellation?.cancel()
    }
  }

  func end() {
    source.cancel()
    signal(SIGINT, SIG_DFL)
  }
}
