import Foundation
import SpadixSupport

/// Multiply-accumulates a cycle against multiply-accumulates a byte, an operator a point, below what array and bus allow.
struct RooflinePicture {
  private struct Point {
    var intensity: Double
    var speed: Double
    var hover: String
  }

  private let points: [Point]
  /// Multiply-accumulates a cycle of the whole array, and bytes a cycle of the bus in one direction.
  private let peak: Double
  private let bandwidth: Double
  private let omitted: Int

  /// Nil where no operator multiplies or no time was modelled.
  init?(_ report: CompilationReport) {
    peak = Double(report.target.dim * report.target.dim)
    bandwidth = Double(max(1, report.target.busBytes))
    var points: [Point] = []
    for row in report.operators {
      guard row.usefulMACs > 0, let cycles = row.modelledCycles, cycles > 0 else { continue }
      // The directions of the bus do not disturb each other: the busier one is the roof.
      let bytes = max(row.traffic.read, row.traffic.written)
      let speed = Double(row.usefulMACs) / Double(cycles)
      points.append(
        Point(
          intensity: bytes == 0 ? .infinity : Double(row.usefulMACs) / Double(bytes), speed: speed,
          hover: "\(row.name)\n\(Markup.number(speed)) MACs a cycle, \(Figures.grouped(row.usefulMACs)) MACs\n"
            + (bytes == 0 ? "no DRAM bytes" : "\(Figures.grouped(bytes)) bytes in the busier direction")))
    }
    if points.isEmpty { return nil }
    self.points = points
    omitted = report.operators.count - points.count
  }

  var markup: String {
    let (left, top, width, height) = (64.0, 16.0, 640.0, 320.0)
    let known = points.map(\.intensity).filter(\.isFinite)
    let ridge = peak / bandwidth
    let x0 = floor(log2(min(known.min() ?? ridge, ridge) / 2))
    let x1 = ceil(log2(max(known.max() ?? ridge, ridge) * 2))
    let y1 = log2(peak) + 0.5
    let y0 = min(floor(log2(points.map(\.speed).min() ?? 1)), log2(peak) - 3)
    func x(_ value: Double) -> Double { left + (log2(value) - x0) / (x1 - x0) * width }
    func y(_ value: Double) -> Double { top + (y1 - log2(value)) / (y1 - y0) * height }
    var drawing = Drawing(width: left + width + 32, height: top + height + 48, title: "Roofline of the operators")
    for power in ticks(x0, x1) {
      let place = x(exp2(Double(power)))
      drawing.line(place, top, place, top + height, "grid")
      drawing.text(place, top + height + 16, Self.label(power), .middle, small: true)
    }
    for power in ticks(y0, y1) {
      let place = y(exp2(Double(power)))
      drawing.line(left, place, left + width, place, "grid")
      drawing.text(left - 6, place + 4, Self.label(power), .end, small: true)
    }
    drawing.line(left, top + height, left + width, top + height, "axis")
    drawing.line(left, top, left, top + height, "axis")
    drawing.text(left + width / 2, top + height + 36, "MACs per DRAM byte of the busier direction", .middle)
    drawing.upright(14, top + height / 2, "MACs per cycle")
    // The slanted roof begins where it enters the frame.
    let start = max(exp2(x0), exp2(y0) / bandwidth)
    drawing.polyline([(x(start), y(start * bandwidth)), (x(ridge), y(peak)), (left + width, y(peak))], "roof")
    for point in points {
      let place = point.intensity.isFinite ? x(point.intensity) : left + width
      drawing.circle(place, y(point.speed), radius: 4.5, "point", hover: point.hover)
    }
    var text = drawing.markup
    text +=
      "<p class=\"faint\">The roof: \(Int(peak)) MACs a cycle of the array, \(Int(bandwidth)) bytes a cycle of the bus. "
    text += "Time is modelled. Points at the right edge move no DRAM bytes."
    if omitted > 0 { text += " \(omitted) operators do not multiply and are not shown." }
    return text + "</p>\n"
  }

  /// Powers of two between two logarithms, at most a dozen.
  private func ticks(_ low: Double, _ high: Double) -> [Int] {
    let (first, last) = (Int(ceil(low)), Int(floor(high)))
    let step = max(1, (last - first + 11) / 12)
    return Array(stride(from: first, through: last, by: step))
  }

  private static func label(_ power: Int) -> String {
    if power < 0 { return "1/\(1 << min(40, -power))" }
    return power >= 20 ? "\(1 << min(20, power - 20))M" : power >= 10 ? "\(1 << (power - 10))K" : "\(1 << power)"
  }
}
